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
        kode_bps,
        kode_kemendagri
    from {{ ref('ref_wilayah') }}
    where level = 'kabupaten_kota'
),

final as (
    -- 6402 milik BPS bukan 64.02 milik Kemendagri: kode selalu diterjemahkan, tidak pernah dipotong atau dititiki.
    select
        ispu.stasiun,
        ispu.waktu,
        (ispu.waktu at time zone '{{ var("zona_waktu") }}')::date as tanggal,
        kabupaten_kota.kode_kemendagri as kode_kabupaten_kota,
        ispu.kode_bps,
        ispu.pm25,
        ispu.ispu,
        ispu.kategori
    from ispu
    left join kabupaten_kota on ispu.kode_bps = kabupaten_kota.kode_bps
)

select * from final
