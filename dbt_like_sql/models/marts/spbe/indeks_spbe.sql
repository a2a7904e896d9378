with

penilaian as (
    select * from {{ ref('stg_diskominfo__penilaian_spbe') }}
),

indikator as (
    select * from {{ ref('ref_indikator_spbe') }}
),

tahun_penilaian as (
    select distinct penilaian.tahun from penilaian
),

nilai as (
    -- Rentang tingkat adalah 1 sampai 5: indikator tanpa penilaian bernilai 1, dan terlihat di kolom terisi.
    select
        tahun_penilaian.tahun,
        indikator.domain_no,
        indikator.domain,
        indikator.bobot_domain,
        indikator.aspek_no,
        indikator.aspek,
        indikator.bobot_aspek,
        indikator.bobot,
        coalesce(penilaian.tingkat, 1) as tingkat,
        coalesce(penilaian.target, 1) as target,
        penilaian.tingkat is not null as dinilai
    from tahun_penilaian
    cross join indikator
    left join penilaian on tahun_penilaian.tahun = penilaian.tahun and indikator.no = penilaian.no_indikator
),

kelompok as (
    select
        nilai.tahun,
        'indeks' as jenis,
        'SPBE' as kode,
        'Indeks SPBE' as nama,
        100::numeric as bobot,
        nilai.bobot as bobot_indikator,
        nilai.tingkat,
        nilai.target,
        nilai.dinilai
    from nilai
    union all
    select
        nilai.tahun,
        'domain' as jenis,
        nilai.domain_no::text as kode,
        nilai.domain as nama,
        nilai.bobot_domain as bobot,
        nilai.bobot as bobot_indikator,
        nilai.tingkat,
        nilai.target,
        nilai.dinilai
    from nilai
    union all
    select
        nilai.tahun,
        'aspek' as jenis,
        nilai.aspek_no::text as kode,
        nilai.aspek as nama,
        nilai.bobot_aspek as bobot,
        nilai.bobot as bobot_indikator,
        nilai.tingkat,
        nilai.target,
        nilai.dinilai
    from nilai
),

dihitung as (
    -- Bobot seluruh indikator berjumlah 100, sehingga rumus ini juga rumus indeks: jumlah(bobot x tingkat) / 100.
    select
        kelompok.tahun,
        kelompok.jenis,
        kelompok.kode,
        kelompok.nama,
        kelompok.bobot,
        round(sum(kelompok.bobot_indikator * kelompok.tingkat) / sum(kelompok.bobot_indikator), 2) as indeks,
        round(sum(kelompok.bobot_indikator * kelompok.target) / sum(kelompok.bobot_indikator), 2) as target_indeks,
        count(*) as jumlah_indikator,
        count(*) filter (where kelompok.dinilai) as terisi
    from kelompok
    group by
        kelompok.tahun,
        kelompok.jenis,
        kelompok.kode,
        kelompok.nama,
        kelompok.bobot
),

final as (
    select
        dihitung.tahun,
        dihitung.jenis,
        dihitung.kode,
        dihitung.nama,
        dihitung.bobot,
        dihitung.indeks::numeric(4, 2) as indeks,
        dihitung.target_indeks::numeric(4, 2) as target_indeks,
        (dihitung.indeks - dihitung.target_indeks)::numeric(4, 2) as selisih,
        {{ predikat_spbe('dihitung.indeks') }} as predikat,
        dihitung.jumlah_indikator,
        dihitung.terisi
    from dihitung
)

select * from final
