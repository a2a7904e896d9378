{{ sel_aduan(jumlah=false) }}
