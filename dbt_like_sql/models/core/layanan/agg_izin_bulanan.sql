with

izin as (
    select * from {{ ref('fct_izin_terbit') }}
),

tanggal as (
    select * from {{ ref('dim_tanggal') }}
),

berjalan as (
    {{ periode_berjalan('izin', 'izin.tanggal') }}
),

per_bulan as (
    select
        tanggal.tahun,
        tanggal.bulan,
        izin.kode_kabupaten_kota,
        izin.jenis_izin,
        izin.jumlah_izin
    from izin
    inner join tanggal on izin.tanggal = tanggal.tanggal
    inner join berjalan on izin.tanggal < berjalan.awal
),

final as (
    -- Pemegang izin usaha mikro dan kecil kebanyakan orang perseorangan: sel kecil disamarkan seperti penduduk.
    {{ sel_tersamar(
        'per_bulan',
        tabel=['tahun', 'bulan'],
        baris='kode_kabupaten_kota',
        kolom='jenis_izin',
        jumlah='jumlah_izin'
    ) | indent(4) }}
)

select * from final
