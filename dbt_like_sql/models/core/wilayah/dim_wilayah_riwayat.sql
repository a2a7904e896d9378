with

riwayat as (
    select * from {{ ref('ref_wilayah_riwayat') }}
),

daftar as (
    select
        riwayat.kode_kemendagri,
        per_daftar.urutan,
        per_daftar.vintage,
        per_daftar.nama,
        {{ kunci_nama('per_daftar.nama') }} as kunci
    from riwayat
    cross join lateral (
        values
            (1, 2016::smallint, riwayat.nama_2016),
            (2, 2018::smallint, riwayat.nama_2018),
            (3, 2020::smallint, riwayat.nama_2020),
            (4, 2022::smallint, riwayat.nama_2022),
            (5, 2023::smallint, riwayat.nama_2023),
            (6, 2025::smallint, riwayat.nama_2025)
    ) as per_daftar (urutan, vintage, nama)
    where per_daftar.nama is not null
),

berpulau as (
    -- Daftar yang berurutan dengan kunci nama yang sama adalah satu masa: selisih kedua urutan tetap.
    select
        daftar.*,
        daftar.urutan - row_number() over (
            partition by daftar.kode_kemendagri, daftar.kunci
            order by daftar.urutan
        ) as pulau
    from daftar
),

final as (
    -- Huruf besar dan awalan bukan perubahan nama: ejaan daftar terakhir dalam masanya yang dipakai.
    select
        berpulau.kode_kemendagri,
        (array_agg(berpulau.nama order by berpulau.urutan desc))[1] as nama,
        min(berpulau.vintage) as berlaku_mulai,
        case when max(berpulau.vintage) < 2025 then max(berpulau.vintage) end as berlaku_sampai
    from berpulau
    group by
        berpulau.kode_kemendagri,
        berpulau.kunci,
        berpulau.pulau
)

select * from final
