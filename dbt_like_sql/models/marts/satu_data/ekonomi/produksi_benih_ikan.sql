with

pembenihan as (
    select * from {{ ref('stg_dkp__pembenihan_ikan') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

per_tahun as (
    -- Satu kabupaten/kota dapat dieja lebih dari satu cara; jumlahnya digabung per kode.
    select
        pembenihan.kode_kabupaten_kota,
        pembenihan.jenis_pembenihan,
        pembenihan.kelompok_ikan,
        pembenihan.tahun,
        sum(pembenihan.volume)::bigint as volume
    from pembenihan
    group by
        pembenihan.kode_kabupaten_kota,
        pembenihan.jenis_pembenihan,
        pembenihan.kelompok_ikan,
        pembenihan.tahun
),

final as (
    select
        wilayah.kode_provinsi,
        wilayah.nama_provinsi,
        per_tahun.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        per_tahun.jenis_pembenihan,
        per_tahun.kelompok_ikan,
        per_tahun.volume,
        'ekor' as satuan,
        per_tahun.tahun
    from per_tahun
    left join wilayah on per_tahun.kode_kabupaten_kota = wilayah.kode_kemendagri
)

select * from final
