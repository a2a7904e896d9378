with

sel as (
    select * from {{ ref('agg_kunjungan_wisata') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

provinsi as (
    {{ provinsi() }}
),

final as (
    select
        provinsi.kode_kemendagri as kode_provinsi,
        provinsi.nama as nama_provinsi,
        wilayah.kode_kabupaten_kota,
        case
            when sel.baris_total then 'SEMUA'
            else coalesce(wilayah.nama_kabupaten_kota, sel.wilayah)
        end as nama_kabupaten_kota,
        case when sel.kolom_total then 'SEMUA' else sel.jenis_wisatawan end as jenis_wisatawan,
        sel.jumlah as jumlah_kunjungan,
        'kunjungan' as satuan,
        sel.tahun,
        sel.bulan,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    cross join provinsi
    left join wilayah on sel.wilayah = wilayah.kode_kemendagri
    where sel.baris_total or sel.kolom_total
)

select * from final
