{{ sel_layanan_kesehatan(jumlah=true) }}
