with

realisasi_apbd as (
    select
        periode,
        kode_urusan,
        kode_bidang_urusan,
        kode_skpd,
        nama_skpd,
        kode_program,
        kode_kegiatan,
        kode_sub_kegiatan,
        nama_sub_kegiatan,
        kode_rekening,
        uraian,
        anggaran,
        realisasi
    from {{ source('bpkad', 'realisasi_apbd') }}
),

opd as (
    select
        kode_opd,
        nama
    from {{ ref('ref_opd') }}
),

final as (
    select
        realisasi_apbd.periode,
        extract(year from realisasi_apbd.periode)::smallint as tahun_anggaran,
        opd.kode_opd,
        realisasi_apbd.kode_skpd,
        realisasi_apbd.nama_skpd,
        realisasi_apbd.kode_urusan,
        realisasi_apbd.kode_bidang_urusan,
        realisasi_apbd.kode_program,
        realisasi_apbd.kode_kegiatan,
        realisasi_apbd.kode_sub_kegiatan,
        realisasi_apbd.nama_sub_kegiatan,
        realisasi_apbd.kode_rekening,
        realisasi_apbd.uraian,
        realisasi_apbd.anggaran,
        realisasi_apbd.realisasi
    from realisasi_apbd
    left join opd on realisasi_apbd.nama_skpd = opd.nama
)

select * from final
