with

sel as (
    select * from {{ ref('agg_kunjungan_bulanan') }}
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
        sel.kode_kecamatan,
        wilayah.nama as nama_kecamatan,
        {{ nama_cara_bayar('sel.cara_bayar') }} as cara_bayar,
        sel.jumlah as jumlah_kunjungan,
        'kunjungan' as satuan,
        sel.tahun,
        sel.bulan,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    left join wilayah on sel.kode_kecamatan = wilayah.kode_kemendagri
    where not sel.baris_total and not sel.kolom_total
)

select * from final
