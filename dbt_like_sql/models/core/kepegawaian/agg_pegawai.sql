with

pegawai as (
    select * from {{ ref('stg_bkd__pegawai') }}
),

keadaan as (
    -- Jam sumber, bukan jam gudang: keadaan ini berlaku sejak perubahan terakhir yang dicatat BKD.
    select max({{ tanggal_wita('pegawai.berlaku_dari') }}) as tanggal
    from pegawai
),

sekarang as (
    -- Golongan III milik PPPK bukan golongan III milik PNS, dan terlalu sedikit orangnya untuk dirinci.
    select
        extract(year from keadaan.tanggal)::integer as tahun,
        extract(month from keadaan.tanggal)::integer as bulan,
        pegawai.kode_opd,
        case
            when pegawai.status_kepegawaian = 'PPPK' then 'PPPK'
            else split_part(pegawai.golongan, '/', 1)
        end as golongan,
        pegawai.pseudonim_pegawai,
        1 as jumlah
    from pegawai
    cross join keadaan
    where pegawai.masih_berlaku
),

final as (
    {{ sel_tersamar(
        'sekarang',
        tabel=['tahun', 'bulan'],
        baris='kode_opd',
        kolom='golongan',
        pihak='pseudonim_pegawai'
    ) | indent(4) }}
)

select * from final
