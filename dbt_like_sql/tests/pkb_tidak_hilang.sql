-- Penerimaan seprovinsi tiap bulan, bila terbit, sama dengan pokok dan denda di fakta harian.
with

asal as (
    select
        extract(year from tanggal)::integer as tahun,
        extract(month from tanggal)::integer as bulan,
        sum(pkb + denda) as jumlah
    from {{ ref('fct_penerimaan_pkb') }}
    group by
        extract(year from tanggal),
        extract(month from tanggal)
)

select
    sel.tahun,
    sel.bulan,
    asal.jumlah as jumlah_asal,
    sel.penerimaan as jumlah_terbit
from {{ ref('agg_penerimaan_pkb') }} as sel
left join asal on sel.tahun = asal.tahun and sel.bulan = asal.bulan
where sel.baris_total and sel.kolom_total and not sel.disamarkan and sel.penerimaan is distinct from asal.jumlah
