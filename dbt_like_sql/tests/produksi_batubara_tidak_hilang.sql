-- Produksi di mart sama dengan yang datang.
with

datang as (
    select
        tahun,
        coalesce(sum(produksi), 0) as jumlah
    from {{ ref('stg_esdm__produksi_batubara') }}
    group by tahun
),

terbit as (
    select
        tahun,
        sum(nilai) as jumlah
    from {{ ref('produksi_batubara') }}
    where uraian = 'produksi'
    group by tahun
)

select
    datang.tahun,
    datang.jumlah as jumlah_datang,
    terbit.jumlah as jumlah_terbit
from datang
left join terbit on datang.tahun = terbit.tahun
where datang.jumlah <> coalesce(terbit.jumlah, 0)
