with

indeks_luar as (
    select * from {{ ref('ref_indeks_luar') }}
),

konversi as (
    select * from {{ ref('ref_konversi_indeks') }}
),

penilaian as (
    -- Sumber penilaian lain: tambahkan "union all" dan satu panggilan makro.
    {{ penilaian_dari('stg_diskominfo__penilaian_spbe', 'instrumen', 'versi', 'no_indikator') }}
    union all
    {{ penilaian_dari('stg_bps__penilaian_epss', "'epss'", "'3/2022'", 'kode_indikator', lingkup='kode_opd') }}
    union all
    -- Nilai yang diturunkan dari indeks lain, linear di dalam tiap ruas; batas bersama milik ruas di bawahnya.
    select
        konversi.instrumen,
        konversi.versi,
        indeks_luar.tahun,
        'provinsi' as lingkup,
        konversi.kode_indikator,
        round(
            konversi.nilai_bawah
            + (indeks_luar.nilai - konversi.batas_bawah)
            * (konversi.nilai_atas - konversi.nilai_bawah)
            / (konversi.batas_atas - konversi.batas_bawah),
            2
        )::numeric(4, 2) as tingkat,
        null::numeric(4, 2) as target,
        indeks_luar.indeks || ' ' || indeks_luar.nilai || ' (' || indeks_luar.sumber || ')' as bukti,
        null::text as tautan_bukti,
        'konversi' as asal,
        konversi.status as status_konversi
    from indeks_luar
    inner join konversi
        on
            indeks_luar.indeks = konversi.indeks
            and indeks_luar.nilai <= konversi.batas_atas
            and (indeks_luar.nilai > konversi.batas_bawah or indeks_luar.nilai = 0 and konversi.batas_bawah = 0)
),

final as (
    select
        penilaian.instrumen || ':' || penilaian.versi || ':' || penilaian.kode_indikator as kunci_indikator,
        penilaian.instrumen,
        penilaian.versi,
        penilaian.tahun,
        penilaian.lingkup,
        penilaian.kode_indikator,
        penilaian.tingkat,
        penilaian.target,
        penilaian.bukti,
        penilaian.tautan_bukti,
        penilaian.asal,
        penilaian.status_konversi
    from penilaian
)

select * from final
