{{ sel_keluarga_dtks(jumlah=false) }}
