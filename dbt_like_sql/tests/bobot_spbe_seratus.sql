-- Rumus indeks membagi dengan 100: bobot ke-47 indikator harus berjumlah tepat 100.
select
    count(*) as jumlah_indikator,
    sum(bobot) as jumlah_bobot
from {{ ref('ref_indikator_spbe') }}
having count(*) <> 47 or sum(bobot) <> 100
