with

produksi_sawit as (
    select
        tahun,
        kabupaten_kota,
        kecamatan,
        status_pengusahaan,
        luas_tbm,
        luas_tm,
        luas_tr,
        jumlah_luas,
        produksi,
        produktivitas,
        jumlah_pekebun,
        keterangan
    from {{ source('disbun', 'produksi_sawit') }}
),

nama_kabupaten_kota as (
    {{ nama_di_tingkat('kabupaten_kota') }}
),

nama_kecamatan as (
    {{ nama_di_tingkat('kecamatan') }}
),

final as (
    select
        produksi_sawit.tahun,
        nama_kabupaten_kota.kode_kemendagri as kode_kabupaten_kota,
        nama_kecamatan.kode_kemendagri as kode_kecamatan,
        produksi_sawit.kabupaten_kota,
        produksi_sawit.kecamatan,
        produksi_sawit.status_pengusahaan,
        produksi_sawit.luas_tbm,
        produksi_sawit.luas_tm,
        produksi_sawit.luas_tr,
        produksi_sawit.jumlah_luas,
        produksi_sawit.produksi,
        produksi_sawit.produktivitas,
        produksi_sawit.jumlah_pekebun,
        produksi_sawit.keterangan
    from produksi_sawit
    left join nama_kabupaten_kota on nama_kabupaten_kota.kunci = {{ kunci_nama('produksi_sawit.kabupaten_kota') }}
    left join nama_kecamatan
        on
            nama_kecamatan.kunci = {{ kunci_nama('produksi_sawit.kecamatan') }}
            and nama_kabupaten_kota.kode_kemendagri = nama_kecamatan.kode_kabupaten_kota
)

select * from final
