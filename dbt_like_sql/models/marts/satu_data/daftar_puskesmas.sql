with

puskesmas as (
    select * from {{ ref('stg_dinkes__puskesmas') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

final as (
    select
        wilayah.kode_provinsi,
        wilayah.nama_provinsi,
        puskesmas.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        puskesmas.kode_kecamatan,
        wilayah.nama_kecamatan,
        puskesmas.kode_puskesmas,
        puskesmas.nama as nama_puskesmas,
        puskesmas.jenis,
        puskesmas.alamat,
        puskesmas.tanggal_izin,
        puskesmas.aktif,
        puskesmas.lintang,
        puskesmas.bujur,
        'derajat' as satuan,
        extract(year from {{ tanggal_wita('puskesmas.dimuat_pada') }})::integer as tahun
    from puskesmas
    left join wilayah on puskesmas.kode_kecamatan = wilayah.kode_kemendagri
)

select * from final
