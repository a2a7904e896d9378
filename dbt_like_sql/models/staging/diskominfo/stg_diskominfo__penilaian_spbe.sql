with

penilaian_spbe as (
    select
        instrumen,
        versi,
        tahun,
        no_indikator,
        indikator,
        tingkat,
        target,
        bukti,
        tautan_bukti
    from {{ source('diskominfo', 'penilaian_spbe') }}
),

final as (
    select
        penilaian_spbe.instrumen,
        penilaian_spbe.versi,
        penilaian_spbe.tahun,
        penilaian_spbe.no_indikator,
        penilaian_spbe.indikator,
        penilaian_spbe.tingkat,
        penilaian_spbe.target,
        penilaian_spbe.bukti,
        penilaian_spbe.tautan_bukti
    from penilaian_spbe
)

select * from final
