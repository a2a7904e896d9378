with

wilayah as (
    select * from {{ ref('ref_wilayah') }}
),

riwayat as (
    select * from {{ ref('ref_wilayah_riwayat') }}
),

semua_kode as (
    select
        coalesce(wilayah.kode_kemendagri, riwayat.kode_kemendagri) as kode_kemendagri,
        wilayah.kode_bps,
        wilayah.kode_bps_basis,
        coalesce(
            wilayah.nama,
            riwayat.nama_2025,
            riwayat.nama_2023,
            riwayat.nama_2022,
            riwayat.nama_2020,
            riwayat.nama_2018,
            riwayat.nama_2016
        ) as nama,
        riwayat.vintage_awal as berlaku_mulai,
        case when wilayah.kode_kemendagri is null then riwayat.vintage_akhir end as berlaku_sampai,
        wilayah.kode_kemendagri is not null as aktif
    from wilayah
    full outer join riwayat on wilayah.kode_kemendagri = riwayat.kode_kemendagri
),

berjenjang as (
    select
        semua_kode.*,
        {{ level_wilayah('semua_kode.kode_kemendagri') }} as level,
        left(semua_kode.kode_kemendagri, 2) as kode_provinsi,
        {{ kode_kabupaten_kota('semua_kode.kode_kemendagri') }} as kode_kabupaten_kota,
        {{ kode_kecamatan('semua_kode.kode_kemendagri') }} as kode_kecamatan,
        nullif(regexp_replace(semua_kode.kode_kemendagri, '\.?[0-9]+$', ''), '') as kode_induk
    from semua_kode
),

final as (
    select
        berjenjang.kode_kemendagri,
        berjenjang.kode_bps,
        berjenjang.kode_bps_basis,
        berjenjang.level,
        berjenjang.nama,
        berjenjang.kode_induk,
        berjenjang.kode_provinsi,
        provinsi.nama as nama_provinsi,
        berjenjang.kode_kabupaten_kota,
        kabupaten_kota.nama as nama_kabupaten_kota,
        berjenjang.kode_kecamatan,
        kecamatan.nama as nama_kecamatan,
        berjenjang.berlaku_mulai,
        berjenjang.berlaku_sampai,
        berjenjang.aktif
    from berjenjang
    left join semua_kode as provinsi on berjenjang.kode_provinsi = provinsi.kode_kemendagri
    left join semua_kode as kabupaten_kota on berjenjang.kode_kabupaten_kota = kabupaten_kota.kode_kemendagri
    left join semua_kode as kecamatan on berjenjang.kode_kecamatan = kecamatan.kode_kemendagri
)

select * from final
