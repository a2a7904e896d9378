-- Penyamaran mengosongkan sel, tidak membuang baris: jumlah tiap kabupaten/kota sama dengan yang datang.
with

berjalan as (
    {{ periode_berjalan(ref('stg_disnakertrans__pencari_kerja'), 'bulan', cakupan='1 month') }}
),

datang as (
    select
        extract(year from bulan)::integer as tahun,
        extract(month from bulan)::integer as bulan,
        kode_kabupaten_kota,
        sum(terdaftar) as jumlah
    from {{ ref('stg_disnakertrans__pencari_kerja') }}
    where bulan < (select berjalan.awal from berjalan)
    group by
        extract(year from bulan)::integer,
        extract(month from bulan)::integer,
        kode_kabupaten_kota
),

terbit as (
    select
        tahun,
        bulan,
        kode_kabupaten_kota,
        jumlah,
        disamarkan
    from {{ ref('agg_pencari_kerja') }}
    where baris_total and kolom_total
)

select
    tahun,
    bulan,
    kode_kabupaten_kota,
    datang.jumlah as jumlah_datang,
    terbit.jumlah as jumlah_terbit
from datang
full outer join terbit using (tahun, bulan, kode_kabupaten_kota)
where terbit.disamarkan is null or not terbit.disamarkan and datang.jumlah is distinct from terbit.jumlah
