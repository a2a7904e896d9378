with

indeks as (
    select * from {{ ref('indeks_instrumen') }}
),

final as (
    select
        indeks.tahun,
        indeks.jenis,
        indeks.kode,
        indeks.nama,
        indeks.bobot::numeric(5, 2) as bobot,
        indeks.indeks,
        indeks.target_indeks,
        indeks.selisih,
        indeks.predikat,
        indeks.jumlah_indikator,
        indeks.terisi,
        indeks.jenis_penilaian
    from indeks
    where
        indeks.instrumen = 'spbe'
        and indeks.asal = 'formulir'
        and indeks.lingkup = 'provinsi'
        and indeks.jenis <> 'indikator'
        and indeks.indeks is not null
)

select * from final
