-- Penyamaran mengosongkan sel, tidak membuang baris: produksi tiap bulan yang sudah lewat dan tidak satu pun selnya
-- disamarkan sama dengan yang datang, dan setiap bulan yang datang tampil.
with

berjalan as (
    {{ periode_berjalan(
        ref('stg_esdm__produksi_batubara'), 'make_date(tahun, bulan, 1)', cakupan='1 month'
    ) | indent(4) }}
),

datang as (
    select
        tahun,
        bulan,
        sum(produksi) as jumlah
    from {{ ref('stg_esdm__produksi_batubara') }}
    where make_date(tahun, bulan, 1) < (select berjalan.awal from berjalan)
    group by
        tahun,
        bulan
    having count(produksi) > 0
),

terbit as (
    select
        tahun,
        bulan,
        sum(nilai) as jumlah,
        count(keterangan) as disamarkan
    from {{ ref('produksi_batubara') }}
    where uraian = 'produksi'
    group by
        tahun,
        bulan
)

select
    tahun,
    bulan,
    datang.jumlah as jumlah_datang,
    terbit.jumlah as jumlah_terbit
from datang
full outer join terbit using (tahun, bulan)
where terbit.disamarkan is null or terbit.disamarkan = 0 and datang.jumlah is distinct from terbit.jumlah
