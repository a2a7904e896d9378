with

pembayaran as (
    select * from {{ ref('stg_bapenda__pembayaran_pkb') }}
),

tanggal as (
    select * from {{ ref('dim_tanggal') }}
),

terakhir as (
    select date_trunc('month', max(pembayaran.tanggal_bayar))::date as awal_bulan
    from pembayaran
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
    -- Kendaraan berpemilik seseorang, maka kendaraan yang dihitung, bukan pembayaran: satu orang yang membayar lima
    -- kali bukan lima orang. Yang bernilai nol tidak dihitung, sehingga uang positif tepat bila jumlah positif.
    -- Bulan berjalan belum terbit: selisih berkas malam ini dan kemarin adalah pajak satu orang.
    select
        tanggal.tahun,
        tanggal.bulan,
        bernilai.kode_kabupaten_kota,
        bernilai.jenis_kendaraan,
        count(distinct bernilai.pseudonim_kendaraan) as jumlah,
        sum(bernilai.penerimaan) as penerimaan
    from bernilai
    inner join tanggal on bernilai.tanggal_bayar = tanggal.tanggal
    inner join terakhir on tanggal.awal_bulan < terakhir.awal_bulan
    where bernilai.penerimaan > 0
    group by
        tanggal.tahun,
        tanggal.bulan,
        bernilai.kode_kabupaten_kota,
        bernilai.jenis_kendaraan
),

final as (
    {{ sel_tersamar(
        'per_bulan',
        tabel=['tahun', 'bulan'],
        baris='kode_kabupaten_kota',
        kolom='jenis_kendaraan',
        nilai=['penerimaan']
    ) | indent(4) }}
)

select * from final
