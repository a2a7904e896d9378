-- Rentang predikat tiap instrumen mulai dari 1, bersambung tanpa celah, dan yang tertinggi tidak berbatas.
with

berurut as (
    select
        instrumen,
        versi,
        urutan,
        batas_bawah,
        batas_atas,
        lag(batas_atas) over (partition by instrumen, versi order by urutan) as batas_sebelumnya,
        lead(urutan) over (partition by instrumen, versi order by urutan) as urutan_berikutnya
    from {{ ref('ref_predikat') }}
)

select *
from berurut
where
    batas_bawah <> coalesce(batas_sebelumnya, 1)
    or (urutan_berikutnya is null) <> (batas_atas is null)
    or batas_atas <= batas_bawah
