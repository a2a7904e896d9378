with

izin as (
    select * from {{ ref('stg_dpmptsp__izin') }}
),

tanggal as (
    select * from {{ ref('dim_tanggal') }}
),

berjalan as (
    {{ periode_berjalan('izin', 'izin.tanggal_terbit') }}
),

per_bulan as (
    select
        tanggal.tahun,
        tanggal.bulan,
        izin.kode_kabupaten_kota,
        izin.jenis_izin,
        izin.nib,
        1 as jumlah_izin
    from izin
    inner join tanggal on izin.tanggal_terbit = tanggal.tanggal
    inner join berjalan on izin.tanggal_terbit < berjalan.awal
),

final as (
    -- Pemegang izin usaha mikro dan kecil kebanyakan orang perseorangan: sel kecil disamarkan seperti penduduk, menurut
    -- banyaknya pemegang. Satu usaha dengan lima izin bukan lima orang.
    {{ sel_tersamar(
        'per_bulan',
        tabel=['tahun', 'bulan'],
        baris='kode_kabupaten_kota',
        kolom='jenis_izin',
        jumlah='jumlah_izin',
        pihak='nib'
    ) | indent(4) }}
)

select * from final
