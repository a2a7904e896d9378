{{ sel_pencari_kerja(jumlah=false) }}
