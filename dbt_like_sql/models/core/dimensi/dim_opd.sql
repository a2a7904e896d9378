with

opd as (
    select * from {{ ref('ref_opd') }}
),

perubahan as (
    select * from {{ ref('ref_opd_perubahan') }}
),

penerus as (
    -- Perubahan yang belum pasti tidak menutup masa berlaku siapa pun.
    select
        perubahan.kode_lama as kode_opd,
        string_agg(perubahan.kode_baru, ', ' order by perubahan.kode_baru) as penerus,
        max(perubahan.tanggal) filter (where perubahan.status = 'pasti') - 1 as berlaku_sampai,
        bool_or(perubahan.status <> 'pasti') as belum_pasti
    from perubahan
    group by perubahan.kode_lama
),

pendahulu as (
    select
        perubahan.kode_baru as kode_opd,
        string_agg(perubahan.kode_lama, ', ' order by perubahan.kode_lama) as pendahulu,
        min(perubahan.tanggal) filter (where perubahan.status = 'pasti') as berlaku_mulai,
        bool_or(perubahan.status <> 'pasti') as belum_pasti
    from perubahan
    group by perubahan.kode_baru
),

final as (
    select
        opd.kode_opd,
        opd.nama,
        opd.singkatan,
        opd.jenis,
        opd.jenis <> 'pemerintah_kota' as opd_provinsi,
        pendahulu.pendahulu,
        penerus.penerus,
        pendahulu.berlaku_mulai,
        penerus.berlaku_sampai,
        case
            when coalesce(penerus.belum_pasti, false) or coalesce(pendahulu.belum_pasti, false) then 'belum pasti'
            when penerus.berlaku_sampai is not null then 'berakhir'
            else 'berlaku'
        end as status,
        case
            when opd.dasar like '%tidak diverifikasi%' or opd.dasar like '%tidak pasti%' then 'perlu diperiksa'
            else 'bersumber'
        end as keandalan,
        opd.dasar
    from opd
    left join penerus on opd.kode_opd = penerus.kode_opd
    left join pendahulu on opd.kode_opd = pendahulu.kode_opd
)

select * from final
