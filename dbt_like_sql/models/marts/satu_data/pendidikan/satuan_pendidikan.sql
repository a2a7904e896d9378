with

sekolah as (
    select * from {{ ref('dim_sekolah') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

provinsi as (
    {{ provinsi() }}
),

dapodik_terakhir as (
    -- Hanya Dapodik yang menyebut waktunya; kedua daftar lain tidak, dan tahunnya tidak ditebak.
    select
        'Dapodik' as asal,
        extract(year from max(sekolah.diperbarui_pada))::integer as tahun
    from sekolah
),

per_kecamatan as (
    select
        sekolah.kode_kabupaten_kota,
        sekolah.kode_kecamatan,
        sekolah.bentuk_pendidikan,
        sekolah.status_sekolah,
        sekolah.asal,
        count(*) as jumlah_sekolah
    from sekolah
    group by
        sekolah.kode_kabupaten_kota,
        sekolah.kode_kecamatan,
        sekolah.bentuk_pendidikan,
        sekolah.status_sekolah,
        sekolah.asal
),

final as (
    select
        provinsi.kode_kemendagri as kode_provinsi,
        provinsi.nama as nama_provinsi,
        per_kecamatan.kode_kabupaten_kota,
        kabupaten_kota.nama as nama_kabupaten_kota,
        per_kecamatan.kode_kecamatan,
        kecamatan.nama as nama_kecamatan,
        per_kecamatan.bentuk_pendidikan,
        per_kecamatan.status_sekolah,
        per_kecamatan.asal,
        per_kecamatan.jumlah_sekolah,
        'sekolah' as satuan,
        dapodik_terakhir.tahun
    from per_kecamatan
    cross join provinsi
    left join wilayah as kabupaten_kota on per_kecamatan.kode_kabupaten_kota = kabupaten_kota.kode_kemendagri
    left join wilayah as kecamatan on per_kecamatan.kode_kecamatan = kecamatan.kode_kemendagri
    left join dapodik_terakhir on per_kecamatan.asal = dapodik_terakhir.asal
)

select * from final
