with

penduduk as (
    select * from {{ ref('fct_penduduk_kelurahan') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

per_kelurahan as (
    select
        penduduk.kode_desa_kelurahan,
        penduduk.jenis_kelamin,
        penduduk.tahun,
        sum(penduduk.jumlah)::bigint as jumlah
    from penduduk
    group by
        penduduk.kode_desa_kelurahan,
        penduduk.jenis_kelamin,
        penduduk.tahun
),

final as (
    select
        wilayah.kode_provinsi,
        wilayah.nama_provinsi,
        wilayah.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        wilayah.kode_kecamatan,
        wilayah.nama_kecamatan,
        per_kelurahan.kode_desa_kelurahan,
        wilayah.nama as nama_desa_kelurahan,
        per_kelurahan.jenis_kelamin,
        {{ samarkan('per_kelurahan.jumlah') }} as jumlah,
        'jiwa' as satuan,
        per_kelurahan.tahun,
        {{ keterangan_samar('per_kelurahan.jumlah') }} as keterangan
    from per_kelurahan
    left join wilayah on per_kelurahan.kode_desa_kelurahan = wilayah.kode_kemendagri
)

select * from final
