{{ sel_aduan(jumlah=true) }}
