with

wilayah as (
    select * from {{ ref('ref_wilayah') }}
),

riwayat as (
    select * from {{ ref('ref_wilayah_riwayat') }}
),

masa_nama as (
    select * from {{ ref('dim_wilayah_riwayat') }}
),

perubahan as (
    select * from {{ ref('ref_wilayah_perubahan') }}
),

dapodik as (
    select
        kode_kemendagri,
        min(kode_dapodik) as kode_dapodik
    from {{ ref('ref_wilayah_dapodik') }}
    group by kode_kemendagri
),

pengganti as (
    select
        perubahan.kode_lama,
        perubahan.kode_baru
    from perubahan
    where perubahan.jenis <> 'pemekaran'
),

asal_mekar as (
    select
        perubahan.kode_baru,
        perubahan.kode_lama
    from perubahan
    where perubahan.jenis = 'pemekaran'
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

nama_lama as (
    -- Nama yang hanya lain huruf besar atau awalannya, dan nama terakhir kode yang sudah berakhir, bukan nama lama.
    select
        masa_nama.kode_kemendagri,
        string_agg(masa_nama.nama, '; ' order by masa_nama.berlaku_mulai) as nama_lama
    from masa_nama
    inner join semua_kode on masa_nama.kode_kemendagri = semua_kode.kode_kemendagri
    where {{ kunci_nama('masa_nama.nama') }} <> {{ kunci_nama('semua_kode.nama') }}
    group by masa_nama.kode_kemendagri
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
        {{ keandalan_bps('berjenjang.kode_bps_basis') }} as kode_bps_keandalan,
        dapodik.kode_dapodik,
        berjenjang.level,
        berjenjang.nama,
        nama_lama.nama_lama,
        berjenjang.kode_induk,
        berjenjang.kode_provinsi,
        provinsi.nama as nama_provinsi,
        berjenjang.kode_kabupaten_kota,
        kabupaten_kota.nama as nama_kabupaten_kota,
        berjenjang.kode_kecamatan,
        kecamatan.nama as nama_kecamatan,
        berjenjang.berlaku_mulai,
        berjenjang.berlaku_sampai,
        berjenjang.aktif,
        case when berjenjang.aktif then berjenjang.kode_kemendagri else pengganti.kode_baru end as kode_hari_ini,
        asal_mekar.kode_lama as mekar_dari
    from berjenjang
    left join semua_kode as provinsi on berjenjang.kode_provinsi = provinsi.kode_kemendagri
    left join semua_kode as kabupaten_kota on berjenjang.kode_kabupaten_kota = kabupaten_kota.kode_kemendagri
    left join semua_kode as kecamatan on berjenjang.kode_kecamatan = kecamatan.kode_kemendagri
    left join nama_lama on berjenjang.kode_kemendagri = nama_lama.kode_kemendagri
    left join dapodik on berjenjang.kode_kemendagri = dapodik.kode_kemendagri
    left join pengganti on berjenjang.kode_kemendagri = pengganti.kode_lama
    left join asal_mekar on berjenjang.kode_kemendagri = asal_mekar.kode_baru
)

select * from final
