with

pembenihan_ikan as (
    select
        tahun,
        provinsi,
        jenis_pembenihan,
        kab_kota,
        kelompok_ikan,
        volume
    from {{ source('dkp', 'pembenihan_ikan') }}
),

nama_kabupaten_kota as (
    {{ nama_di_tingkat('kabupaten_kota') }}
),

final as (
    select
        pembenihan_ikan.tahun,
        nama_kabupaten_kota.kode_kemendagri as kode_kabupaten_kota,
        pembenihan_ikan.kab_kota,
        pembenihan_ikan.provinsi,
        pembenihan_ikan.jenis_pembenihan,
        pembenihan_ikan.kelompok_ikan,
        pembenihan_ikan.volume
    from pembenihan_ikan
    left join nama_kabupaten_kota on nama_kabupaten_kota.kunci = {{ kunci_nama('pembenihan_ikan.kab_kota') }}
)

select * from final
