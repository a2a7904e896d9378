with

aduan as (
    select
        id_aduan,
        tanggal,
        kanal,
        kategori,
        kode_opd,
        status,
        updated_at
    from {{ source('diskominfo', 'aduan') }}
),

final as (
    select
        aduan.id_aduan,
        aduan.tanggal,
        aduan.kanal,
        aduan.kategori,
        aduan.kode_opd,
        aduan.status,
        aduan.updated_at as diperbarui_pada
    from aduan
)

select * from final
