{{ sel_layanan_kesehatan(jumlah=false) }}
