-- Predikat yang diumumkan BPS untuk Kalimantan Timur harus sama dengan predikat menurut rentang di ref_predikat.
select
    indeks_luar.tahun,
    indeks_luar.nilai,
    indeks_luar.predikat as diumumkan,
    predikat.predikat as menurut_rentang
from {{ ref('ref_indeks_luar') }} as indeks_luar
left join {{ ref('ref_predikat') }} as predikat
    on
        predikat.instrumen = 'epss'
        and indeks_luar.nilai >= predikat.batas_bawah
        and (predikat.batas_atas is null or indeks_luar.nilai < predikat.batas_atas)
where indeks_luar.indeks = 'IPS' and indeks_luar.predikat is distinct from predikat.predikat
