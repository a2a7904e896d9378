-- Penyamaran mengosongkan sel, tidak membuang baris: jumlah tiap kabupaten/kota sama dengan yang datang, juga dengan
-- kecamatan yang tidak dikenal.
with

datang as (
    select
        tahun,
        semester,
        kode_kabupaten_kota,
        sum(keluarga_desil_1 + keluarga_desil_2 + keluarga_desil_3 + keluarga_desil_4) as jumlah
    from {{ ref('stg_dinsos__rekap_dtks') }}
    group by
        tahun,
        semester,
        kode_kabupaten_kota
),

terbit as (
    select
        tahun,
        semester,
        kode_kabupaten_kota,
        jumlah,
        disamarkan
    from {{ ref('agg_keluarga_dtks') }}
    where baris_total and kolom_total
)

select
    tahun,
    semester,
    kode_kabupaten_kota,
    datang.jumlah as jumlah_datang,
    terbit.jumlah as jumlah_terbit
from datang
full outer join terbit using (tahun, semester, kode_kabupaten_kota)
where terbit.disamarkan is null or not terbit.disamarkan and datang.jumlah is distinct from terbit.jumlah
