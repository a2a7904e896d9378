-- Belanja di fakta sama dengan belanja yang datang, tiap bulan.
with

asal as (
    select
        periode,
        sum(anggaran) as anggaran,
        sum(coalesce(realisasi, 0)) as realisasi
    from {{ ref('stg_bpkad__realisasi_apbd') }}
    group by periode
),

fakta as (
    select
        periode,
        sum(anggaran) as anggaran,
        sum(realisasi) as realisasi
    from {{ ref('fct_realisasi_apbd') }}
    group by periode
)

select
    periode,
    asal.anggaran as anggaran_asal,
    fakta.anggaran as anggaran_fakta,
    asal.realisasi as realisasi_asal,
    fakta.realisasi as realisasi_fakta
from asal
full outer join fakta using (periode)
where asal.anggaran is distinct from fakta.anggaran or asal.realisasi is distinct from fakta.realisasi
