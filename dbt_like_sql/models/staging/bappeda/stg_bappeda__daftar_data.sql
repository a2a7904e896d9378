with

daftar_data as (
    select
        kode_daftar,
        judul,
        kode_opd,
        produsen_data,
        jenis_data,
        jadwal,
        prioritas,
        dataset,
        keterangan
    from {{ source('bappeda', 'daftar_data') }}
),

final as (
    select
        daftar_data.kode_daftar,
        daftar_data.judul,
        daftar_data.kode_opd,
        daftar_data.produsen_data,
        daftar_data.jenis_data,
        daftar_data.jadwal,
        case daftar_data.jadwal
            when 'harian' then 1
            when 'mingguan' then 7
            when 'bulanan' then 30
            when 'triwulanan' then 91
            when 'semesteran' then 182
            when 'tahunan' then 365
        end as jadwal_hari,
        daftar_data.prioritas,
        daftar_data.dataset,
        daftar_data.keterangan
    from daftar_data
)

select * from final
