with

opd as (
    select * from {{ ref('ref_opd') }}
),

final as (
    select
        opd.kode_opd,
        opd.nama,
        opd.singkatan,
        opd.jenis,
        opd.jenis <> 'pemerintah_kota' as opd_provinsi
    from opd
)

select * from final
