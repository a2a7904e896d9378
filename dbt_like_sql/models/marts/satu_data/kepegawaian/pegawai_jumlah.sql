{{ sel_pegawai(jumlah=true) }}
