{{ sel_keluarga_dtks(jumlah=true) }}
