-- Ruas ISPU tiap parameter bersambung dari 0 sampai 500, sehingga setiap konsentrasi punya tepat satu nilai.
with

berurut as (
    select
        parameter,
        konsentrasi_bawah,
        konsentrasi_atas,
        ispu_bawah,
        ispu_atas,
        lag(konsentrasi_atas, 1, 0.0) over urut as konsentrasi_sebelumnya,
        lag(ispu_atas, 1, 0) over urut as ispu_sebelumnya,
        lead(ispu_atas) over urut as ispu_berikutnya
    from {{ ref('ref_ispu') }}
    window urut as (partition by parameter order by konsentrasi_bawah)
)

select *
from berurut
where
    konsentrasi_bawah <> konsentrasi_sebelumnya
    or ispu_bawah <> ispu_sebelumnya
    or konsentrasi_atas <= konsentrasi_bawah
    or ispu_atas <= ispu_bawah
    or ispu_berikutnya is null and ispu_atas <> 500
