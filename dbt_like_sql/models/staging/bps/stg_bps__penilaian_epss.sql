with

penilaian_epss as (
    select
        tahun,
        kode_opd,
        instansi,
        kode_indikator,
        indikator,
        tingkat_mandiri,
        tingkat,
        target,
        bukti,
        tautan_bukti
    from {{ source('bps', 'penilaian_epss') }}
),

instrumen as (
    select
        no,
        kode
    from {{ ref('ref_indikator_ips') }}
),

final as (
    select
        penilaian_epss.tahun,
        penilaian_epss.kode_opd,
        penilaian_epss.instansi,
        instrumen.no as no_indikator,
        penilaian_epss.kode_indikator,
        penilaian_epss.indikator,
        penilaian_epss.tingkat_mandiri,
        penilaian_epss.tingkat,
        penilaian_epss.target,
        penilaian_epss.bukti,
        penilaian_epss.tautan_bukti
    from penilaian_epss
    left join instrumen on penilaian_epss.kode_indikator = instrumen.kode
)

select * from final
