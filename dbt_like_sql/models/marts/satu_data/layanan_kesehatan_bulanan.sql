with

kunjungan as (
    select * from {{ ref('fct_kunjungan_puskesmas') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

tanggal as (
    select * from {{ ref('dim_tanggal') }}
),

per_bulan as (
    select
        kunjungan.kode_kabupaten_kota,
        kunjungan.kode_kecamatan,
        tanggal.tahun,
        tanggal.bulan,
        kunjungan.cara_bayar,
        sum(kunjungan.jumlah)::bigint as jumlah
    from kunjungan
    inner join tanggal on kunjungan.tanggal = tanggal.tanggal
    group by
        kunjungan.kode_kabupaten_kota,
        kunjungan.kode_kecamatan,
        tanggal.tahun,
        tanggal.bulan,
        kunjungan.cara_bayar
),

final as (
    select
        wilayah.kode_provinsi,
        wilayah.nama_provinsi,
        per_bulan.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        per_bulan.kode_kecamatan,
        wilayah.nama as nama_kecamatan,
        per_bulan.tahun,
        per_bulan.bulan,
        per_bulan.cara_bayar,
        {{ samarkan('per_bulan.jumlah') }} as jumlah_kunjungan,
        'kunjungan' as satuan,
        {{ keterangan_samar('per_bulan.jumlah') }} as keterangan
    from per_bulan
    left join wilayah on per_bulan.kode_kecamatan = wilayah.kode_kemendagri
)

select * from final
