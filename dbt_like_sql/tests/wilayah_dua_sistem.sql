-- Angka yang sama, tempat yang berbeda (jembatan kode SIG BPS 2025): kedua sistem tidak boleh tertukar.
with

seharusnya (kunci_wilayah, kode_kemendagri) as (
    values
        ('bps:6402', '64.07'),
        ('bps:6403', '64.02'),
        ('bps:6404', '64.08'),
        ('bps:6405', '64.03'),
        ('kemendagri:64.02', '64.02'),
        ('kemendagri:64.03', '64.03'),
        ('kemendagri:64.07', '64.07'),
        ('6402', null),
        ('64.02', null)
),

kode as (
    select
        kunci_wilayah,
        kode_kemendagri
    from {{ ref('ref_wilayah_kode') }}
    where vintage_terakhir
)

select
    seharusnya.kunci_wilayah,
    seharusnya.kode_kemendagri as kode_seharusnya,
    kode.kode_kemendagri as kode_ada
from seharusnya
left join kode using (kunci_wilayah)
where seharusnya.kode_kemendagri is distinct from kode.kode_kemendagri
