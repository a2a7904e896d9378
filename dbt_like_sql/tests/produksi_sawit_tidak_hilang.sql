-- Produksi di mart sama dengan yang datang, juga dengan kecamatan yang tidak dikenal, bila tidak ada yang disamarkan.
with

datang as (
    select
        tahun,
        coalesce(sum(produksi), 0) as jumlah
    from {{ ref('stg_disbun__produksi_sawit') }}
    group by tahun
),

terbit as (
    select
        tahun,
        sum(nilai) as jumlah,
        count(keterangan) as disamarkan
    from {{ ref('produksi_sawit') }}
    where uraian = 'produksi tandan buah segar'
    group by tahun
)

select
    datang.tahun,
    datang.jumlah as jumlah_datang,
    terbit.jumlah as jumlah_terbit
from datang
left join terbit on datang.tahun = terbit.tahun
where datang.jumlah <> coalesce(terbit.jumlah, 0) and coalesce(terbit.disamarkan, 0) = 0
