with

sekolah as (
    select
        npsn,
        nama,
        bentuk_pendidikan,
        status_sekolah,
        kode_wilayah,
        kecamatan,
        alamat,
        kode_pos,
        kurikulum,
        jumlah_siswa,
        jumlah_guru,
        jumlah_rombel,
        lintang,
        bujur,
        diperbarui_pada
    from {{ source('disdikbud', 'sekolah') }}
),

kabupaten_kota as (
    select
        kunci_wilayah,
        kode_kemendagri
    from {{ ref('ref_wilayah_kode') }}
    where level = 'kabupaten_kota' and vintage_terakhir
),

nama_kecamatan as (
    {{ nama_di_tingkat('kecamatan') }}
),

final as (
    -- Kode Dapodik adalah sistem ketiga: diterjemahkan lewat daftar, tidak pernah lewat angkanya.
    select
        sekolah.npsn,
        sekolah.nama,
        kabupaten_kota.kode_kemendagri as kode_kabupaten_kota,
        nama_kecamatan.kode_kemendagri as kode_kecamatan,
        sekolah.kode_wilayah as kode_dapodik,
        sekolah.kecamatan,
        sekolah.bentuk_pendidikan,
        case sekolah.status_sekolah when '1' then 'Negeri' when '2' then 'Swasta' end as status_sekolah,
        sekolah.alamat,
        sekolah.kode_pos,
        sekolah.kurikulum,
        sekolah.jumlah_siswa,
        sekolah.jumlah_guru,
        sekolah.jumlah_rombel,
        sekolah.lintang,
        sekolah.bujur,
        sekolah.diperbarui_pada
    from sekolah
    left join kabupaten_kota on kabupaten_kota.kunci_wilayah = {{ kunci_wilayah('dapodik', 'sekolah.kode_wilayah') }}
    left join nama_kecamatan
        on
            nama_kecamatan.kunci = {{ kunci_nama('sekolah.kecamatan') }}
            and kabupaten_kota.kode_kemendagri = nama_kecamatan.kode_kabupaten_kota
)

select * from final
