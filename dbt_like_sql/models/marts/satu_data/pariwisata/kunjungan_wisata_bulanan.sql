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
        coalesce(wilayah.nama_kabupaten_kota, sel.wilayah) as nama_kabupaten_kota,
        sel.jenis_wisatawan,
        sel.jumlah as jumlah_kunjungan,
        'kunjungan' as satuan,
        sel.tahun,
        sel.bulan,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    cross join provinsi
    left join wilayah on sel.wilayah = wilayah.kode_kemendagri
    where not sel.baris_total and not sel.kolom_total
)

select * from final
