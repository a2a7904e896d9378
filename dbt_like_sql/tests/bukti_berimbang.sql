-- Kebijakan dibuktikan oleh naskahnya, bukan oleh hitungan; dan skor tidak tampil tanpa banyaknya baris yang ditahan.
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
    or (peta.jenis_bukti = 'skor_mutu' and karantina.jenis_bukti is null)
