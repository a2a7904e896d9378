with

sel as (
    select * from {{ ref('agg_aduan') }}
),

opd as (
    select * from {{ ref('dim_opd') }}
),

provinsi as (
    {{ provinsi() }}
),

final as (
    select
        provinsi.kode_kemendagri as kode_provinsi,
        provinsi.nama as nama_provinsi,
        null::text as kode_kabupaten_kota,
        null::text as nama_kabupaten_kota,
        sel.kode_opd,
        opd.nama as nama_opd,
        sel.kategori,
        sel.jumlah as jumlah_aduan,
        'aduan' as satuan,
        sel.tahun,
        sel.triwulan,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    cross join provinsi
    left join opd on sel.kode_opd = opd.kode_opd
    where not sel.baris_total and not sel.kolom_total
)

select * from final
