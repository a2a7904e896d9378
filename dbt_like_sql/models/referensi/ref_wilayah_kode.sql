with

wilayah as (
    select * from {{ ref('ref_wilayah') }}
),

riwayat as (
    select * from {{ ref('ref_wilayah_riwayat') }}
),

pindah as (
    select
        kode_lama,
        kode_baru,
        jenis,
        keandalan
    from {{ ref('ref_wilayah_perubahan') }}
    where jenis <> 'pemekaran'
),

pemekaran as (
    -- Satu kode dapat dimekarkan lebih dari sekali: daftar yang lebih tua dari pemekaran terakhir memuat wilayah yang
    -- lebih luas.
    select
        kode_lama,
        max(vintage) as vintage
    from {{ ref('ref_wilayah_perubahan') }}
    where jenis = 'pemekaran'
    group by kode_lama
),

dapodik as (
    select * from {{ ref('ref_wilayah_dapodik') }}
),

daftar_kemendagri as (
    select
        riwayat.kode_kemendagri as kode_daftar,
        daftar.vintage
    from riwayat
    cross join lateral (
        values
            (2016::smallint, riwayat.nama_2016),
            (2018::smallint, riwayat.nama_2018),
            (2020::smallint, riwayat.nama_2020),
            (2022::smallint, riwayat.nama_2022),
            (2023::smallint, riwayat.nama_2023),
            (2025::smallint, riwayat.nama_2025)
    ) as daftar (vintage, nama)
    where daftar.nama is not null
),

semua_sistem as (
    select
        'kemendagri' as sistem,
        {{ kunci_wilayah('kemendagri', 'daftar_kemendagri.kode_daftar') }} as kunci_wilayah,
        daftar_kemendagri.vintage,
        coalesce(pindah.kode_baru, daftar_kemendagri.kode_daftar) as kode_kemendagri,
        case
            when pindah.jenis is not null then pindah.jenis
            when daftar_kemendagri.vintage < pemekaran.vintage then 'dimekarkan'
            else 'tetap'
        end as hubungan,
        coalesce(pindah.keandalan, 'resmi') as keandalan
    from daftar_kemendagri
    left join pindah on daftar_kemendagri.kode_daftar = pindah.kode_lama
    left join pemekaran on daftar_kemendagri.kode_daftar = pemekaran.kode_lama
    union all
    select
        'bps' as sistem,
        {{ kunci_wilayah('bps', 'wilayah.kode_bps') }} as kunci_wilayah,
        case when wilayah.kode_bps_basis = 'sig_bps_bridge_2025' then 2025 else 2016 end::smallint as vintage,
        wilayah.kode_kemendagri,
        'padanan' as hubungan,
        {{ keandalan_bps('wilayah.kode_bps_basis') }} as keandalan
    from wilayah
    where wilayah.kode_bps is not null
    union all
    select
        'dapodik' as sistem,
        {{ kunci_wilayah('dapodik', 'dapodik.kode_dapodik') }} as kunci_wilayah,
        2025::smallint as vintage,
        dapodik.kode_kemendagri,
        'padanan' as hubungan,
        case when dapodik.dasar like '%bukan kode resmi%' then 'perlu diperiksa' else 'cocok nama' end as keandalan
    from dapodik
),

final as (
    select
        semua_sistem.kunci_wilayah,
        semua_sistem.sistem,
        semua_sistem.vintage,
        semua_sistem.vintage = max(semua_sistem.vintage) over (partition by semua_sistem.kunci_wilayah)
            as vintage_terakhir,
        {{ level_wilayah('semua_sistem.kode_kemendagri') }} as level,
        semua_sistem.kode_kemendagri,
        semua_sistem.hubungan,
        semua_sistem.keandalan
    from semua_sistem
)

select * from final
