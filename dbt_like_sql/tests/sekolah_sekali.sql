-- Tiap NPSN dari ketiga daftar dihitung tepat sekali.
with

asal as (
    select npsn from {{ ref('stg_disdikbud__sekolah') }}
    union
    select npsn from {{ ref('stg_balikpapan__sekolah') }}
    union
    select npsn from {{ ref('stg_disdikbud__sma') }}
),

seharusnya as (
    select count(*) as jumlah from asal
),

terbit as (
    select coalesce(sum(jumlah_sekolah), 0) as jumlah from {{ ref('satuan_pendidikan') }}
)

select
    seharusnya.jumlah as jumlah_asal,
    terbit.jumlah as jumlah_terbit
from seharusnya
cross join terbit
where seharusnya.jumlah <> terbit.jumlah
