with

realisasi_apbd as (
    select * from {{ ref('stg_bpkad__realisasi_apbd') }}
),

final as (
    select
        realisasi_apbd.periode,
        realisasi_apbd.kode_opd,
        left(realisasi_apbd.kode_rekening, 6) as kode_jenis_belanja,
        sum(realisasi_apbd.anggaran) as anggaran,
        sum(coalesce(realisasi_apbd.realisasi, 0)) as realisasi
    from realisasi_apbd
    group by
        realisasi_apbd.periode,
        realisasi_apbd.kode_opd,
        left(realisasi_apbd.kode_rekening, 6)
)

select * from final
