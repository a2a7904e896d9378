with

ispu as (
    select
        stasiun,
        waktu,
        kode_bps,
        pm25,
        ispu,
        kategori
    from {{ source('dlh', 'ispu') }}
),

kabupaten_kota as (
    select
        kunci_wilayah,
        kode_kemendagri
    from {{ ref('ref_wilayah_kode') }}
    where level = 'kabupaten_kota' and vintage_terakhir
),

final as (
    -- 6402 milik BPS bukan 64.02 milik Kemendagri: kode selalu diterjemahkan, tidak pernah dipotong atau dititiki.
    select
        ispu.stasiun,
        ispu.waktu,
        {{ tanggal_wita('ispu.waktu') }} as tanggal,
        kabupaten_kota.kode_kemendagri as kode_kabupaten_kota,
        ispu.kode_bps,
        ispu.pm25,
        ispu.ispu,
        ispu.kategori
    from ispu
    left join kabupaten_kota on kabupaten_kota.kunci_wilayah = {{ kunci_wilayah('bps', 'ispu.kode_bps') }}
)

select * from final
