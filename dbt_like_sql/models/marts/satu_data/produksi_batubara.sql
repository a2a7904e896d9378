with

batubara as (
    select * from {{ ref('stg_esdm__produksi_batubara') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

per_bulan as (
    select
        batubara.tahun,
        batubara.bulan,
        batubara.kode_kabupaten_kota,
        batubara.jenis_izin,
        sum(batubara.produksi) as produksi,
        sum(batubara.penjualan_domestik) as penjualan_domestik,
        sum(batubara.penjualan_ekspor) as penjualan_ekspor
    from batubara
    group by
        batubara.tahun,
        batubara.bulan,
        batubara.kode_kabupaten_kota,
        batubara.jenis_izin
),

final as (
    select
        wilayah.kode_provinsi,
        wilayah.nama_provinsi,
        per_bulan.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        per_bulan.jenis_izin,
        ukuran.uraian,
        ukuran.nilai::numeric(16, 2) as nilai,
        'ton' as satuan,
        per_bulan.tahun,
        per_bulan.bulan
    from per_bulan
    cross join lateral (
        values
            ('produksi', per_bulan.produksi),
            ('penjualan domestik', per_bulan.penjualan_domestik),
            ('penjualan ekspor', per_bulan.penjualan_ekspor)
    ) as ukuran (uraian, nilai)
    left join wilayah on per_bulan.kode_kabupaten_kota = wilayah.kode_kemendagri
    where ukuran.nilai is not null
)

select * from final
