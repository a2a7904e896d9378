-- Ruas konversi tiap indikator bersambung. Yang linear menutup 0 sampai 100 dan tingkat 1 sampai 5 pada kedua sumbunya;
-- yang menurut rentang predikat IPS sama dengan ref_predikat.
with

berurut as (
    select
        *,
        lag(batas_atas) over urut as batas_sebelumnya,
        lag(nilai_atas) over urut as nilai_sebelumnya,
        lead(batas_bawah) over urut as ruas_berikutnya
    from {{ ref('ref_konversi_indeks') }}
    window urut as (partition by indeks, kode_indikator order by batas_bawah)
),

predikat as (
    select * from {{ ref('ref_predikat') }}
)

select
    berurut.indeks,
    berurut.kode_indikator,
    berurut.batas_bawah
from berurut
left join predikat
    on berurut.indeks = 'IPS' and predikat.instrumen = 'epss' and berurut.batas_bawah = predikat.batas_bawah
where
    berurut.batas_bawah <> berurut.batas_sebelumnya
    or berurut.batas_atas <= berurut.batas_bawah
    or berurut.cara = 'tingkat' and berurut.nilai_atas <> berurut.nilai_bawah
    or berurut.cara = 'linear' and (
        berurut.batas_atas is null
        or berurut.nilai_bawah <> coalesce(berurut.nilai_sebelumnya, 1)
        or berurut.nilai_atas <= berurut.nilai_bawah
        or berurut.batas_sebelumnya is null and berurut.batas_bawah <> 0
        or berurut.ruas_berikutnya is null and (berurut.batas_atas <> 100 or berurut.nilai_atas <> 5)
    )
    or berurut.indeks = 'IPS' and (
        predikat.urutan is distinct from berurut.nilai_bawah
        or predikat.batas_atas is distinct from berurut.batas_atas
    )
