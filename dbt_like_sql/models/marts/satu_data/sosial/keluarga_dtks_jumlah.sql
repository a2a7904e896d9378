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
        case when sel.baris_total then 'SEMUA' else coalesce(kecamatan.nama, sel.wilayah) end as nama_kecamatan,
        case when sel.kolom_total then 'SEMUA' else sel.desil::text end as desil,
        sel.jumlah as jumlah_keluarga,
        'keluarga' as satuan,
        sel.tahun,
        sel.semester,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    left join wilayah as kabupaten_kota on sel.kode_kabupaten_kota = kabupaten_kota.kode_kemendagri
    left join wilayah as kecamatan on sel.wilayah = kecamatan.kode_kemendagri
    where sel.baris_total or sel.kolom_total
)

select * from final
