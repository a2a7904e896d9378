with

kunjungan as (
    select * from {{ ref('fct_kunjungan_puskesmas') }}
),

tanggal as (
    select * from {{ ref('dim_tanggal') }}
),

berjalan as (
    {{ periode_berjalan('kunjungan', 'kunjungan.tanggal') }}
),

per_bulan as (
    select
        tanggal.tahun,
        tanggal.bulan,
        kunjungan.kode_kabupaten_kota,
        kunjungan.kode_kecamatan,
        kunjungan.cara_bayar,
        kunjungan.jumlah
    from kunjungan
    inner join tanggal on kunjungan.tanggal = tanggal.tanggal
    inner join berjalan on kunjungan.tanggal < berjalan.awal
),

final as (
    {{ sel_tersamar(
        'per_bulan',
        tabel=['tahun', 'bulan', 'kode_kabupaten_kota'],
        baris='kode_kecamatan',
        kolom='cara_bayar'
    ) | indent(4) }}
)

select * from final
