with

sel as (
    select * from {{ ref('agg_pencari_kerja') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

final as (
    select
        wilayah.kode_provinsi,
        wilayah.nama_provinsi,
        sel.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        case when sel.baris_total then 'SEMUA' else sel.pendidikan end as pendidikan,
        case when sel.kolom_total then 'SEMUA' else sel.jenis_kelamin end as jenis_kelamin,
        sel.jumlah as jumlah_terdaftar,
        'orang' as satuan,
        sel.tahun,
        sel.bulan,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    left join wilayah on sel.kode_kabupaten_kota = wilayah.kode_kemendagri
    where sel.baris_total or sel.kolom_total
)

select * from final
