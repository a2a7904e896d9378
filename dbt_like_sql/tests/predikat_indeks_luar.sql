-- Predikat yang diumumkan untuk Kalimantan Timur harus sama dengan predikat menurut rentang di ref_predikat.
select
    indeks_luar.indeks,
    indeks_luar.tahun,
    indeks_luar.nilai,
    indeks_luar.predikat as diumumkan,
    predikat.predikat as menurut_rentang
from {{ ref('ref_indeks_luar') }} as indeks_luar
inner join {{ ref('ref_instrumen') }} as instrumen on indeks_luar.indeks = instrumen.singkatan_indeks
left join {{ ref('ref_predikat') }} as predikat
    on
        instrumen.instrumen = predikat.instrumen
        and instrumen.versi = predikat.versi
        and indeks_luar.nilai >= predikat.batas_bawah
        and (predikat.batas_atas is null or indeks_luar.nilai < predikat.batas_atas)
where indeks_luar.predikat is not null and indeks_luar.predikat is distinct from predikat.predikat
