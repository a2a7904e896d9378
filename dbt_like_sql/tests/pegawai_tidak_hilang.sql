-- Jumlah seluruh pegawai, bila terbit, sama dengan banyaknya pegawai yang kini ada.
with

asal as (
    select count(*) as jumlah from {{ ref('stg_bkd__pegawai') }}
    where masih_berlaku
)

select
    asal.jumlah as jumlah_asal,
    sel.jumlah as jumlah_terbit
from {{ ref('agg_pegawai') }} as sel
cross join asal
where sel.baris_total and sel.kolom_total and not sel.disamarkan and sel.jumlah <> asal.jumlah
