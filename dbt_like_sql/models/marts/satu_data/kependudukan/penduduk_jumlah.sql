{{ sel_penduduk(jumlah=true) }}
