{{ sel_pegawai(jumlah=false) }}
