with

dapodik as (
    select * from {{ ref('stg_disdikbud__sekolah') }}
),

kota as (
    select * from {{ ref('stg_balikpapan__sekolah') }}
),

daftar_sma as (
    select * from {{ ref('stg_disdikbud__sma') }}
),

semua as (
    select
        1 as urutan,
        'Dapodik' as asal,
        dapodik.npsn,
        dapodik.nama,
        dapodik.kode_kabupaten_kota,
        dapodik.kode_kecamatan,
        dapodik.bentuk_pendidikan,
        dapodik.status_sekolah,
        dapodik.diperbarui_pada
    from dapodik
    union all
    select
        2 as urutan,
        'Daftar Kota Balikpapan' as asal,
        kota.npsn,
        kota.nama_sekolah as nama,
        kota.kode_kabupaten_kota,
        kota.kode_kecamatan,
        kota.bentuk_pendidikan,
        kota.status as status_sekolah,
        null::timestamp as diperbarui_pada
    from kota
    union all
    -- Daftar ini hanya menyebut provinsi dan tidak menyebut statusnya; keduanya tidak ditebak dari nama atau alamat.
    select
        3 as urutan,
        'Daftar SMA' as asal,
        daftar_sma.npsn,
        daftar_sma.nama,
        null::text as kode_kabupaten_kota,
        null::text as kode_kecamatan,
        daftar_sma.jenjang as bentuk_pendidikan,
        null::text as status_sekolah,
        null::timestamp as diperbarui_pada
    from daftar_sma
),

final as (
    -- Satu NPSN adalah satu sekolah, walaupun tercatat di beberapa daftar: data induk nasional didahulukan.
    select distinct on (semua.npsn)
        semua.npsn,
        semua.nama,
        semua.kode_kabupaten_kota,
        semua.kode_kecamatan,
        semua.bentuk_pendidikan,
        coalesce(semua.status_sekolah, 'Tidak diketahui') as status_sekolah,
        semua.asal,
        count(*) over (partition by semua.npsn)::integer as jumlah_daftar,
        semua.diperbarui_pada
    from semua
    order by
        semua.npsn,
        semua.urutan
)

select * from final
