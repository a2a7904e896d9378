with

inventaris_aplikasi as (
    select
        id_aplikasi,
        nama,
        uraian,
        fungsi,
        luaran,
        basis_aplikasi,
        tipe_lisensi,
        basis_data,
        bahasa_pemrograman,
        raa_level_1,
        raa_level_2,
        raa_level_3,
        raa_level_4,
        kode_opd,
        unit_pengembang,
        unit_operasional,
        status,
        url,
        jumlah_pengguna,
        dasar_hukum,
        aplikasi_terkait,
        data_terkait,
        diperbarui_pada
    from {{ source('diskominfo', 'inventaris_aplikasi') }}
),

final as (
    select
        inventaris_aplikasi.id_aplikasi,
        inventaris_aplikasi.nama,
        inventaris_aplikasi.kode_opd,
        inventaris_aplikasi.status,
        inventaris_aplikasi.uraian,
        inventaris_aplikasi.fungsi,
        inventaris_aplikasi.luaran,
        inventaris_aplikasi.basis_aplikasi,
        inventaris_aplikasi.tipe_lisensi,
        inventaris_aplikasi.basis_data,
        inventaris_aplikasi.bahasa_pemrograman,
        inventaris_aplikasi.raa_level_1,
        inventaris_aplikasi.raa_level_2,
        inventaris_aplikasi.raa_level_3,
        inventaris_aplikasi.raa_level_4,
        inventaris_aplikasi.unit_pengembang,
        inventaris_aplikasi.unit_operasional,
        inventaris_aplikasi.url,
        inventaris_aplikasi.jumlah_pengguna,
        inventaris_aplikasi.dasar_hukum,
        inventaris_aplikasi.aplikasi_terkait,
        inventaris_aplikasi.data_terkait,
        inventaris_aplikasi.diperbarui_pada
    from inventaris_aplikasi
)

select * from final
