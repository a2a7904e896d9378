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
        case when sel.baris_total then 'SEMUA' else opd.nama end as nama_opd,
        case when sel.kolom_total then 'SEMUA' else sel.kategori end as kategori,
        sel.jumlah as jumlah_aduan,
        'aduan' as satuan,
        sel.tahun,
        sel.triwulan,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    cross join provinsi
    left join opd on sel.kode_opd = opd.kode_opd
    where sel.baris_total or sel.kolom_total
)

select * from final
