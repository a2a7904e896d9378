with

indikator_strategis as (
    select
        kode_bps,
        wilayah,
        kode_indikator,
        indikator,
        satuan,
        rincian,
        tahun,
        periode,
        nilai
    from {{ source('bps', 'indikator_strategis') }}
),

wilayah as (
    -- Web API BPS menulis provinsi dengan empat angka (6400).
    select
        rpad(kode_bps, 4, '0') as kode_bps,
        kode_kemendagri,
        level
    from {{ ref('ref_wilayah') }}
    where level in ('provinsi', 'kabupaten_kota')
),

final as (
    -- 6402 milik BPS bukan 64.02 milik Kemendagri: kode selalu diterjemahkan, tidak pernah dipotong atau dititiki.
    select
        indikator_strategis.kode_indikator,
        indikator_strategis.indikator,
        indikator_strategis.rincian,
        indikator_strategis.tahun,
        indikator_strategis.periode,
        wilayah.level as tingkat_wilayah,
        wilayah.kode_kemendagri as kode_wilayah,
        indikator_strategis.kode_bps,
        indikator_strategis.nilai,
        indikator_strategis.satuan
    from indikator_strategis
    left join wilayah on indikator_strategis.kode_bps = wilayah.kode_bps
)

select * from final
