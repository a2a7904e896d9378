{{ sel_penerimaan_pkb(jumlah=false) }}
