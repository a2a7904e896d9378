with

aduan as (
    select * from {{ ref('stg_diskominfo__aduan') }}
),

terakhir as (
    select date_trunc('quarter', max(aduan.tanggal))::date as awal_triwulan
    from aduan
),

per_triwulan as (
    -- Triwulan berjalan belum terbit: selisih berkas malam ini dan kemarin adalah aduan satu orang.
    select
        extract(year from aduan.tanggal)::integer as tahun,
        extract(quarter from aduan.tanggal)::integer as triwulan,
        aduan.kode_opd,
        aduan.kategori,
        1 as jumlah
    from aduan
    inner join terakhir on aduan.tanggal < terakhir.awal_triwulan
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
