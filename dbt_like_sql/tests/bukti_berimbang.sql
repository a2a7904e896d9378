-- Kebijakan dibuktikan oleh naskahnya, bukan oleh hitungan; dan uji yang lulus diminta atas baris yang sudah disaring,
-- sehingga karantina harus tampil di sampingnya.
with

peta as (
    select * from {{ ref('ref_bukti_indikator') }}
),

indikator as (
    select * from {{ ref('dim_indikator') }}
)

select
    peta.instrumen,
    peta.kode_indikator,
    peta.jenis_bukti
from peta
inner join indikator
    on
        peta.instrumen = indikator.instrumen
        and peta.versi = indikator.versi
        and peta.kode_indikator = indikator.kode_indikator
left join peta as karantina
    on
        peta.instrumen = karantina.instrumen
        and peta.versi = karantina.versi
        and peta.kode_indikator = karantina.kode_indikator
        and karantina.jenis_bukti = 'baris_karantina'
where
    indikator.domain = 'Kebijakan Internal SPBE'
    or (peta.jenis_bukti = 'uji_mutu_lulus' and karantina.jenis_bukti is null)
