with

kunjungan as (
    select * from {{ ref('stg_dispar__kunjungan_wisata') }}
),

berjalan as (
    {{ periode_berjalan('kunjungan', 'kunjungan.tanggal', cakupan='1 day') }}
),

per_bulan as (
    -- Tempat yang tidak dikenal tetap satu baris, dengan ejaannya: tanpa itu jumlah provinsi kurang. Kosong berarti
    -- tutup atau tidak melapor, bukan nol.
    select
        extract(year from kunjungan.tanggal)::integer as tahun,
        extract(month from kunjungan.tanggal)::integer as bulan,
        coalesce(kunjungan.kode_kabupaten_kota, kunjungan.kabupaten_kota) as wilayah,
        kunjungan.jenis_wisatawan,
        kunjungan.jumlah_kunjungan
    from kunjungan
    inner join berjalan on kunjungan.tanggal < berjalan.awal
    where kunjungan.jumlah_kunjungan is not null
),

final as (
    {{ sel_tersamar(
        'per_bulan',
        tabel=['tahun', 'bulan'],
        baris='wilayah',
        kolom='jenis_wisatawan',
        jumlah='jumlah_kunjungan'
    ) | indent(4) }}
)

select * from final
