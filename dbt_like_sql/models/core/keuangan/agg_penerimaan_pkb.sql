with

pembayaran as (
    select * from {{ ref('stg_bapenda__pembayaran_pkb') }}
),

tanggal as (
    select * from {{ ref('dim_tanggal') }}
),

berjalan as (
    {{ periode_berjalan('pembayaran', 'pembayaran.tanggal_bayar') }}
),

bernilai as (
    select
        pembayaran.tanggal_bayar,
        pembayaran.kode_kabupaten_kota,
        pembayaran.jenis_kendaraan,
        pembayaran.pseudonim_kendaraan,
        coalesce(pembayaran.pkb, 0) + coalesce(pembayaran.denda, 0) as penerimaan
    from pembayaran
),

per_bulan as (
    -- Satu baris per kendaraan. Kendaraan berpemilik seseorang, maka kendaraan yang dihitung, bukan pembayaran: satu
    -- orang yang membayar lima kali bukan lima orang. Yang bernilai nol tidak dihitung, sehingga uang positif tepat
    -- bila jumlah positif.
    select
        tanggal.tahun,
        tanggal.bulan,
        bernilai.kode_kabupaten_kota,
        bernilai.jenis_kendaraan,
        bernilai.pseudonim_kendaraan,
        1 as jumlah,
        sum(bernilai.penerimaan) as penerimaan
    from bernilai
    inner join tanggal on bernilai.tanggal_bayar = tanggal.tanggal
    inner join berjalan on bernilai.tanggal_bayar < berjalan.awal
    where bernilai.penerimaan > 0
    group by
        tanggal.tahun,
        tanggal.bulan,
        bernilai.kode_kabupaten_kota,
        bernilai.jenis_kendaraan,
        bernilai.pseudonim_kendaraan
),

final as (
    {{ sel_tersamar(
        'per_bulan',
        tabel=['tahun', 'bulan'],
        baris='kode_kabupaten_kota',
        kolom='jenis_kendaraan',
        nilai=['penerimaan'],
        pihak='pseudonim_kendaraan'
    ) | indent(4) }}
)

select * from final
