-- Jumlah kunjungan di fakta sama dengan jumlah baris kunjungan yang datang.
with

asal as (
    select count(*) as jumlah from {{ ref('stg_dinkes__kunjungan') }}
),

fakta as (
    select coalesce(sum(jumlah), 0) as jumlah from {{ ref('fct_kunjungan_puskesmas') }}
)

select
    asal.jumlah as jumlah_asal,
    fakta.jumlah as jumlah_fakta
from asal
cross join fakta
where asal.jumlah <> fakta.jumlah
