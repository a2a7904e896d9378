{{ sel_kunjungan_wisata(jumlah=true) }}
