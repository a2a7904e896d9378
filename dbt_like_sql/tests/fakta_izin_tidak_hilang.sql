-- Banyaknya izin di fakta sama dengan banyaknya izin yang datang.
with

asal as (
    select count(*) as jumlah from {{ ref('stg_dpmptsp__izin') }}
),

fakta as (
    select coalesce(sum(jumlah_izin), 0) as jumlah from {{ ref('fct_izin_terbit') }}
)

select
    asal.jumlah as jumlah_asal,
    fakta.jumlah as jumlah_fakta
from asal
cross join fakta
where asal.jumlah <> fakta.jumlah
