with

aplikasi as (
    select * from {{ ref('stg_diskominfo__inventaris_aplikasi') }}
),

opd as (
    select * from {{ ref('dim_opd') }}
),

final as (
    select
        aplikasi.id_aplikasi,
        aplikasi.nama,
        aplikasi.kode_opd,
        opd.nama as nama_opd,
        -- Kode domain: awalan DAA dan RAA tingkat terdalam yang diisi.
        'DAA '
        || coalesce(
            aplikasi.raa_level_4, aplikasi.raa_level_3, aplikasi.raa_level_2, aplikasi.raa_level_1
        ) as kode_domain,
        case aplikasi.raa_level_1 when '01' then 'umum' when '02' then 'khusus' end as jenis_aplikasi,
        aplikasi.status,
        aplikasi.uraian,
        aplikasi.fungsi,
        aplikasi.luaran,
        aplikasi.basis_aplikasi,
        aplikasi.tipe_lisensi,
        aplikasi.basis_data,
        aplikasi.raa_level_1,
        aplikasi.raa_level_2,
        aplikasi.raa_level_3,
        aplikasi.raa_level_4,
        aplikasi.bahasa_pemrograman,
        aplikasi.unit_pengembang,
        aplikasi.unit_operasional,
        aplikasi.url,
        aplikasi.jumlah_pengguna,
        aplikasi.dasar_hukum,
        aplikasi.aplikasi_terkait,
        aplikasi.data_terkait,
        aplikasi.diperbarui_pada,
        arsitektur.kekurangan as kekurangan_arsitektur,
        tata_kelola.kekurangan as kekurangan_tata_kelola,
        arsitektur.jumlah + tata_kelola.jumlah as jumlah_kekurangan
    from aplikasi
    left join opd on aplikasi.kode_opd = opd.kode_opd
    cross join lateral (
        -- Isian domain aplikasi pada arsitektur (Perpres 132/2022, metadata SIA-SPBE).
        select
            string_agg(isian.nama, ', ' order by isian.urutan) as kekurangan,
            count(*)::integer as jumlah
        from (
            values
                (1, 'uraian', aplikasi.uraian is null),
                (2, 'fungsi', aplikasi.fungsi is null),
                (3, 'luaran', aplikasi.luaran is null),
                (4, 'basis aplikasi', aplikasi.basis_aplikasi is null),
                (5, 'tipe lisensi', aplikasi.tipe_lisensi is null),
                (6, 'basis data', aplikasi.basis_data is null),
                (7, 'RAA tingkat 1', aplikasi.raa_level_1 is null),
                (8, 'RAA tingkat 2', aplikasi.raa_level_2 is null),
                (9, 'RAA tingkat 3', aplikasi.raa_level_3 is null),
                (10, 'RAA tingkat 4', aplikasi.raa_level_4 is null),
                (
                    11,
                    'RAA yang bersambung',
                    not starts_with(aplikasi.raa_level_2, aplikasi.raa_level_1 || '.')
                    or not starts_with(aplikasi.raa_level_3, aplikasi.raa_level_2 || '.')
                    or not starts_with(aplikasi.raa_level_4, aplikasi.raa_level_3 || '.')
                )
        ) as isian (urutan, nama, kurang)
        where isian.kurang
    ) as arsitektur
    cross join lateral (
        -- Yang lain yang ditanyakan inventaris. Aplikasi desktop tidak punya alamat.
        select
            string_agg(isian.nama, ', ' order by isian.urutan) as kekurangan,
            count(*)::integer as jumlah
        from (
            values
                (1, 'dasar hukum', aplikasi.dasar_hukum is null),
                (2, 'unit pengembang', aplikasi.unit_pengembang is null),
                (3, 'unit operasional', aplikasi.unit_operasional is null),
                (4, 'bahasa pemrograman', aplikasi.bahasa_pemrograman is null),
                (5, 'alamat', aplikasi.url is null and aplikasi.basis_aplikasi <> 'desktop'),
                (6, 'data terkait', aplikasi.data_terkait is null),
                (7, 'pengguna', aplikasi.status = 'Operasional' and coalesce(aplikasi.jumlah_pengguna, 0) = 0)
        ) as isian (urutan, nama, kurang)
        where isian.kurang
    ) as tata_kelola
)

select * from final
