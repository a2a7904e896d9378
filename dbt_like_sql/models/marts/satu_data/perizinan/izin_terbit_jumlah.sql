{{ sel_izin_terbit(jumlah=true) }}
