-- Kalimantan Timur menurut Kepmendagri 300.2.2-2430/2025: 10 kabupaten/kota, 105 kecamatan, 841 desa, 197 kelurahan.
with

seharusnya (level, jumlah) as (
    values
        ('provinsi', 1),
        ('kabupaten_kota', 10),
        ('kecamatan', 105),
        ('desa', 841),
        ('kelurahan', 197)
),

ada as (
    select
        level,
        count(*) as jumlah
    from {{ ref('dim_wilayah') }}
    where aktif
    group by level
)

select
    level,
    seharusnya.jumlah as jumlah_seharusnya,
    ada.jumlah as jumlah_ada
from seharusnya
full outer join ada using (level)
where seharusnya.jumlah is distinct from ada.jumlah
