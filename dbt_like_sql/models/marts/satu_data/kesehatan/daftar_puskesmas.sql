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
        case puskesmas.jenis
            when 'rawat_inap' then 'Rawat inap'
            when 'non_rawat_inap' then 'Non rawat inap'
            else puskesmas.jenis
        end as jenis,
        puskesmas.alamat,
        puskesmas.tanggal_izin,
        puskesmas.aktif,
        puskesmas.lintang,
        puskesmas.bujur,
        'puskesmas' as satuan,
        null::integer as tahun
    from puskesmas
    left join wilayah on puskesmas.kode_kecamatan = wilayah.kode_kemendagri
)

select * from final
