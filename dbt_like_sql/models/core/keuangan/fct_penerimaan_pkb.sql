with

pembayaran as (
    select * from {{ ref('stg_bapenda__pembayaran_pkb') }}
),

final as (
    select
        pembayaran.tanggal_bayar as tanggal,
        pembayaran.kode_kabupaten_kota,
        pembayaran.jenis_kendaraan,
        count(*) as jumlah_pembayaran,
        sum(coalesce(pembayaran.pkb, 0)) as pkb,
        sum(coalesce(pembayaran.swdkllj, 0)) as swdkllj,
        sum(coalesce(pembayaran.denda, 0)) as denda
    from pembayaran
    group by
        pembayaran.tanggal_bayar,
        pembayaran.kode_kabupaten_kota,
        pembayaran.jenis_kendaraan
)

select * from final
