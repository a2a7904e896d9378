{{ sel_penerimaan_pkb(jumlah=true) }}
