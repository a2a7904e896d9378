-- Banyaknya izin seprovinsi tiap bulan, bila terbit, sama dengan yang datang.
with

asal as (
    select
        extract(year from tanggal_terbit)::integer as tahun,
        extract(month from tanggal_terbit)::integer as bulan,
        count(*) as jumlah
    from {{ ref('stg_dpmptsp__izin') }}
    group by
        extract(year from tanggal_terbit),
        extract(month from tanggal_terbit)
)

select
    sel.tahun,
    sel.bulan,
    asal.jumlah as jumlah_asal,
    sel.jumlah as jumlah_terbit
from {{ ref('agg_izin_bulanan') }} as sel
left join asal on sel.tahun = asal.tahun and sel.bulan = asal.bulan
where sel.baris_total and sel.kolom_total and not sel.disamarkan and sel.jumlah is distinct from asal.jumlah
