with

ispu as (
    select * from {{ ref('stg_dlh__ispu') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

tanggal as (
    select * from {{ ref('dim_tanggal') }}
),

per_hari as (
    -- Hari menurut WITA, lihat stg_dlh__ispu.
    select
        ispu.kode_kabupaten_kota,
        ispu.stasiun,
        ispu.tanggal,
        max(ispu.ispu) as ispu_tertinggi,
        count(ispu.ispu) as jumlah_pengukuran
    from ispu
    where ispu.ispu is not null
    group by
        ispu.kode_kabupaten_kota,
        ispu.stasiun,
        ispu.tanggal
),

final as (
    select
        wilayah.kode_provinsi,
        wilayah.nama_provinsi,
        per_hari.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        per_hari.stasiun,
        per_hari.jumlah_pengukuran,
        per_hari.ispu_tertinggi,
        'indeks' as satuan,
        tanggal.tahun,
        tanggal.bulan,
        per_hari.tanggal
    from per_hari
    inner join tanggal on per_hari.tanggal = tanggal.tanggal
    left join wilayah on per_hari.kode_kabupaten_kota = wilayah.kode_kemendagri
)

select * from final
