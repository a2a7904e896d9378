{{ sel_izin_terbit(jumlah=false) }}
