with

indikator as (
    select * from {{ ref('stg_bps__indikator_strategis') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

final as (
    -- Nilai yang tidak dipunyai BPS tetap tampil, kosong: yang tidak ada bukan yang hilang.
    select
        wilayah.kode_provinsi,
        wilayah.nama_provinsi,
        wilayah.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        indikator.kode_indikator,
        indikator.indikator,
        indikator.rincian,
        indikator.nilai,
        indikator.satuan,
        indikator.tahun,
        indikator.periode
    from indikator
    left join wilayah on indikator.kode_wilayah = wilayah.kode_kemendagri
)

select * from final
