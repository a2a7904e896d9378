-- Ruas konversi Indeks SDI menutup 0 sampai 100 dan tingkat 1 sampai 5, dan bersambung pada kedua sumbunya.
with

berurut as (
    select
        indeks,
        batas_bawah,
        batas_atas,
        nilai_bawah,
        nilai_atas,
        lag(batas_atas, 1, 0.0) over (partition by indeks order by batas_bawah) as batas_sebelumnya,
        lag(nilai_atas, 1, 1.0) over (partition by indeks order by batas_bawah) as nilai_sebelumnya,
        lead(batas_bawah) over (partition by indeks order by batas_bawah) as ruas_berikutnya
    from {{ ref('ref_konversi_indeks') }}
)

select *
from berurut
where
    batas_bawah <> batas_sebelumnya
    or nilai_bawah <> nilai_sebelumnya
    or batas_atas <= batas_bawah
    or nilai_atas <= nilai_bawah
    or ruas_berikutnya is null and (batas_atas <> 100 or nilai_atas <> 5)
