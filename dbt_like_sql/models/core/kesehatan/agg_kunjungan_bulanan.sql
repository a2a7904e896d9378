with

kunjungan as (
    select * from {{ ref('stg_dinkes__kunjungan') }}
),

puskesmas as (
    select * from {{ ref('stg_dinkes__puskesmas') }}
),

tanggal as (
    select * from {{ ref('dim_tanggal') }}
),

berjalan as (
    {{ periode_berjalan('kunjungan', 'kunjungan.tanggal_kunjungan') }}
),

per_bulan as (
    -- Dari kunjungan satu per satu, bukan dari fakta harian: hitungan per hari tidak menyebut apakah pasiennya sama.
    select
        tanggal.tahun,
        tanggal.bulan,
        puskesmas.kode_kabupaten_kota,
        puskesmas.kode_kecamatan,
        kunjungan.cara_bayar,
        kunjungan.pseudonim_pasien,
        1 as jumlah_kunjungan
    from kunjungan
    inner join tanggal on kunjungan.tanggal_kunjungan = tanggal.tanggal
    inner join berjalan on kunjungan.tanggal_kunjungan < berjalan.awal
    left join puskesmas on kunjungan.kode_puskesmas = puskesmas.kode_puskesmas
),

final as (
    {{ sel_tersamar(
        'per_bulan',
        tabel=['tahun', 'bulan', 'kode_kabupaten_kota'],
        baris='kode_kecamatan',
        kolom='cara_bayar',
        jumlah='jumlah_kunjungan',
        pihak='pseudonim_pasien'
    ) | indent(4) }}
)

select * from final
