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
        sel.pendidikan,
        sel.jenis_kelamin,
        sel.jumlah as jumlah_terdaftar,
        'orang' as satuan,
        sel.tahun,
        sel.bulan,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    left join wilayah on sel.kode_kabupaten_kota = wilayah.kode_kemendagri
    where not sel.baris_total and not sel.kolom_total
)

select * from final
