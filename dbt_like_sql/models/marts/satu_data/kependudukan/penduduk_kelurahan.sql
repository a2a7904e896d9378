{{ sel_penduduk(jumlah=false) }}
