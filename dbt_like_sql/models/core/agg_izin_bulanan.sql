with

izin as (
    select * from {{ ref('fct_izin_terbit') }}
),

tanggal as (
    select * from {{ ref('dim_tanggal') }}
),

terakhir as (
    select date_trunc('month', max(izin.tanggal))::date as awal_bulan
    from izin
),

per_bulan as (
    -- Bulan berjalan belum terbit: selisih berkas malam ini dan kemarin adalah izin satu orang.
    select
        tanggal.tahun,
        tanggal.bulan,
        izin.kode_kabupaten_kota,
        izin.jenis_izin,
        izin.jumlah_izin
    from izin
    inner join tanggal on izin.tanggal = tanggal.tanggal
    inner join terakhir on tanggal.awal_bulan < terakhir.awal_bulan
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
