-- Penyamaran mengosongkan sel, tidak membuang baris: jumlah provinsi tiap bulan yang sudah lewat sama dengan yang
-- datang, juga dengan wilayah yang tidak dikenal.
with

berjalan as (
    {{ periode_berjalan(ref('stg_dispar__kunjungan_wisata'), 'tanggal', cakupan='1 day') }}
),

datang as (
    select
        extract(year from tanggal)::integer as tahun,
        extract(month from tanggal)::integer as bulan,
        sum(jumlah_kunjungan) as jumlah
    from {{ ref('stg_dispar__kunjungan_wisata') }}
    where jumlah_kunjungan is not null and tanggal < (select berjalan.awal from berjalan)
    group by
        extract(year from tanggal)::integer,
        extract(month from tanggal)::integer
),

terbit as (
    select
        tahun,
        bulan,
        jumlah,
        disamarkan
    from {{ ref('agg_kunjungan_wisata') }}
    where baris_total and kolom_total
)

select
    tahun,
    bulan,
    datang.jumlah as jumlah_datang,
    terbit.jumlah as jumlah_terbit
from datang
full outer join terbit using (tahun, bulan)
where terbit.disamarkan is null or not terbit.disamarkan and datang.jumlah is distinct from terbit.jumlah
