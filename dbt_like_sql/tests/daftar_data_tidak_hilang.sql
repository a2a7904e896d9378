-- Setiap butir yang disepakati dan setiap kontrak tampil tepat sekali, juga yang tidak diserahkan siapa pun.
with

butir as (
    select kode_daftar as kode from {{ ref('stg_bappeda__daftar_data') }}
),

mart as (
    select kode_daftar as kode from {{ ref('daftar_data') }}
    where kode_daftar is not null
),

kontrak as (
    select count(*) as jumlah from {{ source('ops', 'contract') }}
),

berkontrak as (
    select count(*) as jumlah from {{ ref('daftar_data') }}
    where ada_kontrak
),

hilang as (
    select butir.kode
    from butir
    left join mart on butir.kode = mart.kode
    where mart.kode is null
)

select hilang.kode as yang_hilang from hilang
union all
select 'kontrak' as yang_hilang
from kontrak
cross join berkontrak
where kontrak.jumlah <> berkontrak.jumlah
