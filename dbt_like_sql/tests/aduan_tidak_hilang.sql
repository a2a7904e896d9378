-- Penyamaran mengosongkan sel, tidak membuang baris: jumlah tiap triwulan yang sudah lewat sama dengan yang datang.
with

berjalan as (
    {{ periode_berjalan(ref('stg_diskominfo__aduan'), 'tanggal', satuan='quarter') }}
),

datang as (
    select
        extract(year from tanggal)::integer as tahun,
        extract(quarter from tanggal)::integer as triwulan,
        count(*) as jumlah
    from {{ ref('stg_diskominfo__aduan') }}
    where tanggal < (select berjalan.awal from berjalan)
    group by
        extract(year from tanggal)::integer,
        extract(quarter from tanggal)::integer
),

terbit as (
    select
        tahun,
        triwulan,
        jumlah,
        disamarkan
    from {{ ref('agg_aduan') }}
    where baris_total and kolom_total
)

select
    tahun,
    triwulan,
    datang.jumlah as jumlah_datang,
    terbit.jumlah as jumlah_terbit
from datang
full outer join terbit using (tahun, triwulan)
where terbit.disamarkan is null or not terbit.disamarkan and datang.jumlah is distinct from terbit.jumlah
