with

sma as (
    select
        npsn,
        nama,
        alamat,
        provinsi,
        jenjang,
        lintang,
        bujur
    from {{ source('disdikbud', 'sma') }}
),

nama_provinsi as (
    select
        kunci,
        kode_kemendagri
    from {{ ref('ref_wilayah_nama') }}
    where level = 'provinsi'
),

final as (
    -- Berkas ini hanya menyebut provinsi; kabupaten/kota tidak ditebak dari alamat.
    select
        sma.npsn,
        sma.nama,
        nama_provinsi.kode_kemendagri as kode_provinsi,
        sma.provinsi,
        sma.jenjang,
        sma.alamat,
        sma.lintang,
        sma.bujur
    from sma
    left join nama_provinsi on nama_provinsi.kunci = {{ kunci_nama('sma.provinsi') }}
)

select * from final
