with

sel as (
    select * from {{ ref('agg_penduduk_umur') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

final as (
    select
        wilayah.kode_provinsi,
        wilayah.nama_provinsi,
        wilayah.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        sel.kode_kecamatan,
        wilayah.nama as nama_kecamatan,
        sel.jenis_kelamin,
        sel.kelompok_umur,
        sel.jumlah,
        'jiwa' as satuan,
        sel.tahun,
        sel.semester,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    left join wilayah on sel.kode_kecamatan = wilayah.kode_kemendagri
    where not sel.baris_total and not sel.kolom_total
)

select * from final
