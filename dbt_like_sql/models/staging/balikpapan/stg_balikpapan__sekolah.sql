with

sekolah as (
    select
        nama_sekolah,
        provinsi,
        kota_kabupaten,
        kecamatan,
        npsn,
        status,
        bentuk_pendidikan,
        status_kepemilikan,
        sk_pendirian_sekolah,
        tanggal_sk_pendirian,
        sk_izin_operasional,
        tanggal_sk_izin_operasional,
        kebutuhan_khusus_dilayani,
        status_bos,
        waktu_penyelenggaraan,
        sertifikasi_iso,
        sumber_listrik,
        daya_listrik,
        kecepatan_internet,
        akreditasi,
        kurikulum,
        waktu,
        alamat,
        rt_rw,
        dusun,
        desa_kelurahan,
        kode_pos,
        lintang,
        bujur,
        guru_l,
        guru_p,
        guru_total,
        tendik_l,
        tendik_p,
        tendik_total,
        ptk_l,
        ptk_p,
        ptk_total,
        peserta_didik_l,
        peserta_didik_p,
        peserta_didik_total,
        ruang_kelas,
        ruang_perpus,
        ruang_lab,
        ruang_pratik,
        rombel
    from {{ source('balikpapan', 'sekolah') }}
),

nama_kabupaten_kota as (
    {{ nama_di_tingkat('kabupaten_kota') }}
),

nama_kecamatan as (
    {{ nama_di_tingkat('kecamatan') }}
),

nama_kelurahan as (
    {{ nama_di_tingkat('kelurahan') }}
),

final as (
    select
        sekolah.npsn,
        sekolah.nama_sekolah,
        nama_kabupaten_kota.kode_kemendagri as kode_kabupaten_kota,
        nama_kecamatan.kode_kemendagri as kode_kecamatan,
        nama_kelurahan.kode_kemendagri as kode_desa_kelurahan,
        sekolah.provinsi,
        sekolah.kota_kabupaten,
        sekolah.kecamatan,
        sekolah.status,
        sekolah.bentuk_pendidikan,
        sekolah.status_kepemilikan,
        sekolah.sk_pendirian_sekolah,
        sekolah.tanggal_sk_pendirian,
        sekolah.sk_izin_operasional,
        sekolah.tanggal_sk_izin_operasional,
        sekolah.kebutuhan_khusus_dilayani,
        sekolah.status_bos,
        sekolah.waktu_penyelenggaraan,
        sekolah.sertifikasi_iso,
        sekolah.sumber_listrik,
        sekolah.daya_listrik,
        sekolah.kecepatan_internet,
        sekolah.akreditasi,
        sekolah.kurikulum,
        sekolah.waktu,
        sekolah.alamat,
        sekolah.rt_rw,
        sekolah.dusun,
        sekolah.desa_kelurahan,
        sekolah.kode_pos,
        sekolah.lintang,
        sekolah.bujur,
        sekolah.guru_l,
        sekolah.guru_p,
        sekolah.guru_total,
        sekolah.tendik_l,
        sekolah.tendik_p,
        sekolah.tendik_total,
        sekolah.ptk_l,
        sekolah.ptk_p,
        sekolah.ptk_total,
        sekolah.peserta_didik_l,
        sekolah.peserta_didik_p,
        sekolah.peserta_didik_total,
        sekolah.ruang_kelas,
        sekolah.ruang_perpus,
        sekolah.ruang_lab,
        sekolah.ruang_pratik,
        sekolah.rombel
    from sekolah
    left join nama_kabupaten_kota on nama_kabupaten_kota.kunci = {{ kunci_nama('sekolah.kota_kabupaten') }}
    left join nama_kecamatan
        on
            nama_kecamatan.kunci = {{ kunci_nama('sekolah.kecamatan') }}
            and nama_kabupaten_kota.kode_kemendagri = nama_kecamatan.kode_kabupaten_kota
    left join nama_kelurahan
        on
            nama_kelurahan.kunci = {{ kunci_nama('sekolah.desa_kelurahan') }}
            and nama_kecamatan.kode_kemendagri = nama_kelurahan.kode_kecamatan
)

select * from final
