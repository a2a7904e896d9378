with

aduan as (
    select * from {{ ref('stg_diskominfo__aduan') }}
),

berjalan as (
    {{ periode_berjalan('aduan', 'aduan.tanggal', satuan='quarter') }}
),

per_triwulan as (
    select
        extract(year from aduan.tanggal)::integer as tahun,
        extract(quarter from aduan.tanggal)::integer as triwulan,
        aduan.kode_opd,
        aduan.kategori,
        1 as jumlah
    from aduan
    inner join berjalan on aduan.tanggal < berjalan.awal
),

final as (
    {{ sel_tersamar(
        'per_triwulan',
        tabel=['tahun', 'triwulan'],
        baris='kode_opd',
        kolom='kategori'
    ) | indent(4) }}
)

select * from final
