-- Keenam dimensi mutu berbobot 100 bersama, dan tidak ada yang tanpa bobot.
select
    sum(bobot) as jumlah,
    count(*) as banyaknya
from {{ ref('ref_dimensi_mutu') }}
having sum(bobot) <> 100 or min(bobot) <= 0 or count(*) <> 6
