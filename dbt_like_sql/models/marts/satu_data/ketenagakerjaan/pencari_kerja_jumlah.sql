{{ sel_pencari_kerja(jumlah=true) }}
