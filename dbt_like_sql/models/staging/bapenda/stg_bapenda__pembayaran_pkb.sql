with

pembayaran_pkb as (
    select
        id_pembayaran,
        nomor_polisi,
        tanggal_bayar,
        kode_kabupaten_kota,
        jenis_kendaraan,
        pkb,
        swdkllj,
        denda,
        updated_at
    from {{ source('bapenda', 'pembayaran_pkb') }}
    where deleted_at is null
),

final as (
    select
        pembayaran_pkb.id_pembayaran,
        pembayaran_pkb.nomor_polisi as pseudonim_kendaraan,
        pembayaran_pkb.tanggal_bayar,
        pembayaran_pkb.kode_kabupaten_kota,
        pembayaran_pkb.jenis_kendaraan,
        pembayaran_pkb.pkb,
        pembayaran_pkb.swdkllj,
        pembayaran_pkb.denda,
        pembayaran_pkb.updated_at as diperbarui_pada
    from pembayaran_pkb
)

select * from final
