with

indeks_luar as (
    select * from {{ ref('ref_indeks_luar') }}
),

konversi as (
    select * from {{ ref('ref_konversi_indeks') }}
),

instrumen as (
    select * from {{ ref('dim_instrumen') }}
),

dinilai as (
    -- Sumber penilaian lain: tambahkan "union all" dan satu panggilan makro.
    {{ penilaian_dari('stg_diskominfo__penilaian_spbe', 'instrumen', 'versi', 'no_indikator') }}
    union all
    {{ penilaian_dari(
        'stg_bps__penilaian_epss',
        "'epss'",
        "'3/2022'",
        'kode_indikator',
        lingkup='kode_opd',
        jenis_penilaian='resmi'
    ) }}
),

ruas_berlaku as (
    -- Ruas yang memuat nilai resmi sebuah indeks; batas atas milik ruas di atasnya, kecuali di ujung skala.
    select
        konversi.instrumen,
        konversi.versi,
        konversi.kode_indikator,
        indeks_luar.tahun as tahun_indeks,
        case konversi.cara
            when 'tingkat' then konversi.nilai_bawah
            else round(
                konversi.nilai_bawah
                + (indeks_luar.nilai - konversi.batas_bawah)
                * (konversi.nilai_atas - konversi.nilai_bawah)
                / (konversi.batas_atas - konversi.batas_bawah),
                2
            )
        end::numeric(4, 2) as tingkat,
        indeks_luar.indeks || ' ' || indeks_luar.tahun || ': ' || indeks_luar.nilai
        || ' (' || indeks_luar.sumber || ')' as bukti,
        konversi.status as status_konversi
    from indeks_luar
    inner join konversi
        on
            indeks_luar.indeks = konversi.indeks
            and indeks_luar.nilai >= konversi.batas_bawah
            and (
                konversi.batas_atas is null
                or indeks_luar.nilai < konversi.batas_atas
                or konversi.cara = 'linear' and konversi.nilai_atas = 5 and indeks_luar.nilai = konversi.batas_atas
            )
    where indeks_luar.jenis_penilaian = 'resmi'
),

tahun_konversi as (
    -- Tahun yang dinilai, dan tahun indeksnya sendiri bila instrumennya sudah berlaku.
    select
        dinilai.instrumen,
        dinilai.versi,
        dinilai.tahun
    from dinilai
    where dinilai.lingkup = 'provinsi'
    union distinct
    select
        instrumen.instrumen,
        instrumen.versi,
        ruas_berlaku.tahun_indeks as tahun
    from ruas_berlaku
    inner join instrumen on ruas_berlaku.instrumen = instrumen.instrumen and ruas_berlaku.versi = instrumen.versi
    where ruas_berlaku.tahun_indeks >= extract(year from instrumen.berlaku_mulai)
),

dikonversi as (
    -- Nilai resmi terakhir yang sudah diumumkan sampai tahun itu; tahunnya tertulis pada bukti.
    select distinct on (tahun_konversi.instrumen, tahun_konversi.versi, tahun_konversi.tahun, ruas.kode_indikator)
        tahun_konversi.instrumen,
        tahun_konversi.versi,
        tahun_konversi.tahun,
        ruas.kode_indikator,
        ruas.tingkat,
        ruas.bukti,
        ruas.status_konversi
    from tahun_konversi
    inner join ruas_berlaku as ruas
        on
            tahun_konversi.instrumen = ruas.instrumen
            and tahun_konversi.versi = ruas.versi
            and tahun_konversi.tahun >= ruas.tahun_indeks
    order by
        tahun_konversi.instrumen asc,
        tahun_konversi.versi asc,
        tahun_konversi.tahun asc,
        ruas.kode_indikator asc,
        ruas.tahun_indeks desc
),

penilaian as (
    select * from dinilai
    union all
    -- Yang sudah dinilai sendiri dalam formulir tidak ditimpa.
    select
        dikonversi.instrumen,
        dikonversi.versi,
        dikonversi.tahun,
        'provinsi' as lingkup,
        dikonversi.kode_indikator,
        dikonversi.tingkat,
        null::numeric(4, 2) as target,
        dikonversi.bukti,
        null::text as tautan_bukti,
        'konversi' as asal,
        'resmi' as jenis_penilaian,
        dikonversi.status_konversi
    from dikonversi
    left join dinilai
        on
            dikonversi.instrumen = dinilai.instrumen
            and dikonversi.versi = dinilai.versi
            and dikonversi.tahun = dinilai.tahun
            and dikonversi.kode_indikator = dinilai.kode_indikator
            and dinilai.lingkup = 'provinsi'
    where dinilai.instrumen is null
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
        penilaian.jenis_penilaian,
        penilaian.status_konversi
    from penilaian
)

select * from final
