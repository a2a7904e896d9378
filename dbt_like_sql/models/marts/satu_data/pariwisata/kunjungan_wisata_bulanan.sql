{{ sel_kunjungan_wisata(jumlah=false) }}
