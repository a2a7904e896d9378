with

rekap_dtks as (
    select
        periode,
        kabupaten_kota,
        kecamatan,
        jumlah_keluarga,
        jumlah_jiwa_l,
        jumlah_jiwa_p,
        jumlah_jiwa,
        keluarga_desil_1,
        keluarga_desil_2,
        keluarga_desil_3,
        keluarga_desil_4,
        keterangan
    from {{ source('dinsos', 'rekap_dtks') }}
),

nama_kabupaten_kota as (
    {{ nama_di_tingkat('kabupaten_kota') }}
),

nama_kecamatan as (
    {{ nama_di_tingkat('kecamatan') }}
),

final as (
    -- Periode "2025 Smt 1" adalah nama lembar; polanya dijamin kontrak.
    select
        left(rekap_dtks.periode, 4)::integer as tahun,
        right(rekap_dtks.periode, 1)::integer as semester,
        nama_kabupaten_kota.kode_kemendagri as kode_kabupaten_kota,
        nama_kecamatan.kode_kemendagri as kode_kecamatan,
        rekap_dtks.kabupaten_kota,
        rekap_dtks.kecamatan,
        rekap_dtks.jumlah_keluarga,
        rekap_dtks.jumlah_jiwa_l,
        rekap_dtks.jumlah_jiwa_p,
        rekap_dtks.jumlah_jiwa,
        rekap_dtks.keluarga_desil_1,
        rekap_dtks.keluarga_desil_2,
        rekap_dtks.keluarga_desil_3,
        rekap_dtks.keluarga_desil_4,
        rekap_dtks.keterangan
    from rekap_dtks
    left join nama_kabupaten_kota on nama_kabupaten_kota.kunci = {{ kunci_nama('rekap_dtks.kabupaten_kota') }}
    left join nama_kecamatan
        on
            nama_kecamatan.kunci = {{ kunci_nama('rekap_dtks.kecamatan') }}
            and nama_kabupaten_kota.kode_kemendagri = nama_kecamatan.kode_kabupaten_kota
)

select * from final
