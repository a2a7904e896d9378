with

penduduk as (
    select * from {{ ref('stg_samarinda__penduduk') }}
),

final as (
    -- Satu kelurahan dapat dieja lebih dari satu cara dalam berkas yang sama: jumlahnya digabung per kode.
    select
        penduduk.tahun,
        penduduk.kode_kabupaten_kota,
        penduduk.kode_kecamatan,
        penduduk.kode_desa_kelurahan,
        penduduk.jenis_kelamin,
        penduduk.umur,
        sum(penduduk.jumlah) as jumlah
    from penduduk
    group by
        penduduk.tahun,
        penduduk.kode_kabupaten_kota,
        penduduk.kode_kecamatan,
        penduduk.kode_desa_kelurahan,
        penduduk.jenis_kelamin,
        penduduk.umur
)

select * from final
