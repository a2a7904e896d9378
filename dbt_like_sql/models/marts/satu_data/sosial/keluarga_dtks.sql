with

sel as (
    select * from {{ ref('agg_keluarga_dtks') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

final as (
    select
        kabupaten_kota.kode_provinsi,
        kabupaten_kota.nama_provinsi,
        sel.kode_kabupaten_kota,
        kabupaten_kota.nama_kabupaten_kota,
        kecamatan.kode_kemendagri as kode_kecamatan,
        coalesce(kecamatan.nama, sel.wilayah) as nama_kecamatan,
        sel.desil,
        sel.jumlah as jumlah_keluarga,
        'keluarga' as satuan,
        sel.tahun,
        sel.semester,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    left join wilayah as kabupaten_kota on sel.kode_kabupaten_kota = kabupaten_kota.kode_kemendagri
    left join wilayah as kecamatan on sel.wilayah = kecamatan.kode_kemendagri
    where not sel.baris_total and not sel.kolom_total
)

select * from final
