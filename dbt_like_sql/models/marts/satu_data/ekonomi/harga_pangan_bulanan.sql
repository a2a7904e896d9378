with

harga as (
    select * from {{ ref('stg_disperindagkop__harga_pangan') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

tanggal as (
    select * from {{ ref('dim_tanggal') }}
),

berjalan as (
    {{ periode_berjalan('harga', 'harga.tanggal', cakupan='1 day') }}
),

per_bulan as (
    select
        harga.kode_kabupaten_kota,
        harga.komoditas,
        harga.satuan,
        tanggal.tahun,
        tanggal.bulan,
        round(avg(harga.harga), 0) as harga_rata_rata,
        count(distinct harga.pasar) as jumlah_pasar
    from harga
    inner join tanggal on harga.tanggal = tanggal.tanggal
    inner join berjalan on harga.tanggal < berjalan.awal
    where harga.harga is not null
    group by
        harga.kode_kabupaten_kota,
        harga.komoditas,
        harga.satuan,
        tanggal.tahun,
        tanggal.bulan
),

final as (
    select
        wilayah.kode_provinsi,
        wilayah.nama_provinsi,
        per_bulan.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        per_bulan.komoditas,
        per_bulan.jumlah_pasar,
        per_bulan.harga_rata_rata,
        'rupiah per ' || coalesce(per_bulan.satuan, 'satuan') as satuan,
        per_bulan.tahun,
        per_bulan.bulan
    from per_bulan
    left join wilayah on per_bulan.kode_kabupaten_kota = wilayah.kode_kemendagri
)

select * from final
