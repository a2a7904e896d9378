-- Rumus indeks membagi dengan 100: bobot indikator, aspek, dan domain tiap instrumen masing-masing berjumlah 100, bobot
-- aspek adalah jumlah bobot indikatornya, bobot domain jumlah bobot aspeknya, dan tidak ada indikator yang kurang.
with

indikator as (
    select * from {{ ref('dim_indikator') }}
),

aspek as (
    select
        kunci_instrumen,
        kode_domain,
        kode_aspek,
        bobot_aspek,
        bobot_domain,
        sum(bobot) as jumlah
    from indikator
    group by
        kunci_instrumen,
        kode_domain,
        kode_aspek,
        bobot_aspek,
        bobot_domain
),

domain as (
    select
        kunci_instrumen,
        kode_domain,
        bobot_domain,
        sum(bobot_aspek) as jumlah
    from aspek
    where kode_domain is not null
    group by
        kunci_instrumen,
        kode_domain,
        bobot_domain
)

select
    instrumen.kunci_instrumen,
    'indeks' as bagian,
    sum(indikator.bobot) as jumlah,
    count(*) as banyaknya
from {{ ref('dim_instrumen') }} as instrumen
left join indikator on instrumen.kunci_instrumen = indikator.kunci_instrumen
group by
    instrumen.kunci_instrumen,
    instrumen.jumlah_indikator
having sum(indikator.bobot) is distinct from 100 or count(*) <> instrumen.jumlah_indikator
union all
select
    kunci_instrumen,
    'aspek ' || kode_aspek as bagian,
    jumlah,
    null as banyaknya
from aspek
where jumlah <> bobot_aspek
union all
select
    kunci_instrumen,
    'domain ' || kode_domain as bagian,
    jumlah,
    null as banyaknya
from domain
where jumlah <> bobot_domain
union all
select
    kunci_instrumen,
    'semua domain' as bagian,
    sum(bobot_domain) as jumlah,
    count(*) as banyaknya
from domain
group by kunci_instrumen
having sum(bobot_domain) <> 100
