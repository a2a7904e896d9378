with

harga_pangan as (
    select
        tanggal,
        kode_kabupaten_kota,
        pasar,
        komoditas,
        satuan,
        harga
    from {{ source('disperindagkop', 'harga_pangan') }}
),

final as (
    select
        harga_pangan.tanggal,
        harga_pangan.kode_kabupaten_kota,
        harga_pangan.pasar,
        harga_pangan.komoditas,
        harga_pangan.satuan,
        harga_pangan.harga
    from harga_pangan
)

select * from final
