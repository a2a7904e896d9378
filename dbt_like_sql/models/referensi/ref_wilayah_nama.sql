with

wilayah as (
    select * from {{ ref('ref_wilayah') }}
),

riwayat as (
    select * from {{ ref('ref_wilayah_riwayat') }}
),

alias as (
    select * from {{ ref('ref_wilayah_alias') }}
),

semua_nama as (
    select
        wilayah.kode_kemendagri,
        wilayah.nama,
        true as berlaku
    from wilayah
    union all
    select
        riwayat.kode_kemendagri,
        vintage.nama,
        wilayah.kode_kemendagri is not null as berlaku
    from riwayat
    cross join lateral (
        values
            (riwayat.nama_2016),
            (riwayat.nama_2018),
            (riwayat.nama_2020),
            (riwayat.nama_2022),
            (riwayat.nama_2023),
            (riwayat.nama_2025)
    ) as vintage (nama)
    left join wilayah on riwayat.kode_kemendagri = wilayah.kode_kemendagri
    union all
    select
        alias.kode_kemendagri,
        alias.alias as nama,
        wilayah.kode_kemendagri is not null as berlaku
    from alias
    left join wilayah on alias.kode_kemendagri = wilayah.kode_kemendagri
),

berkunci as (
    select distinct
        {{ kunci_nama('semua_nama.nama') }} as kunci,
        {{ level_wilayah('semua_nama.kode_kemendagri') }} as level,
        case when length(semua_nama.kode_kemendagri) > 5 then left(semua_nama.kode_kemendagri, 5) end
            as kode_kabupaten_kota,
        case when length(semua_nama.kode_kemendagri) > 8 then left(semua_nama.kode_kemendagri, 8) end
            as kode_kecamatan,
        semua_nama.kode_kemendagri,
        semua_nama.berlaku
    from semua_nama
    where semua_nama.nama is not null
),

bersaing as (
    select
        berkunci.*,
        bool_or(berkunci.berlaku) over (
            partition by berkunci.level, berkunci.kode_kabupaten_kota, berkunci.kode_kecamatan, berkunci.kunci
        ) as ada_yang_berlaku
    from berkunci
    where berkunci.kunci <> ''
),

final as (
    -- Kode yang sudah dihapus tidak menutupi kode yang berlaku; kunci yang tetap mendua dibuang, bukan ditebak.
    select
        bersaing.kunci,
        bersaing.level,
        bersaing.kode_kabupaten_kota,
        bersaing.kode_kecamatan,
        min(bersaing.kode_kemendagri) as kode_kemendagri
    from bersaing
    where bersaing.berlaku = bersaing.ada_yang_berlaku
    group by
        bersaing.kunci,
        bersaing.level,
        bersaing.kode_kabupaten_kota,
        bersaing.kode_kecamatan
    having count(distinct bersaing.kode_kemendagri) = 1
)

select * from final
