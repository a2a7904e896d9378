with

spbe as (
    select * from {{ ref('ref_indikator_spbe') }}
),

pemdi as (
    select * from {{ ref('ref_indikator_pemdi') }}
),

epss as (
    select * from {{ ref('ref_indikator_ips') }}
),

instrumen as (
    select * from {{ ref('dim_instrumen') }}
),

semua as (
    select
        'spbe' as instrumen,
        '59/2020' as versi,
        spbe.no as urutan,
        spbe.no::text as kode_indikator,
        spbe.indikator,
        spbe.bobot::numeric(8, 4) as bobot,
        spbe.aspek_no::text as kode_aspek,
        spbe.aspek,
        spbe.bobot_aspek::numeric(8, 4) as bobot_aspek,
        spbe.domain_no::text as kode_domain,
        spbe.domain,
        spbe.bobot_domain::numeric(8, 4) as bobot_domain,
        spbe.kapabilitas as jenis_tingkat,
        null::text as nilai_dari_indeks_lain
    from spbe
    union all
    select
        'pemdi' as instrumen,
        '8/2026' as versi,
        pemdi.no as urutan,
        pemdi.no::text as kode_indikator,
        pemdi.indikator,
        pemdi.bobot::numeric(8, 4) as bobot,
        pemdi.aspek_no::text as kode_aspek,
        pemdi.aspek,
        pemdi.bobot_aspek::numeric(8, 4) as bobot_aspek,
        null::text as kode_domain,
        null::text as domain,
        null::numeric(8, 4) as bobot_domain,
        null::text as jenis_tingkat,
        pemdi.nilai_dari_indeks_lain
    from pemdi
    union all
    select
        'epss' as instrumen,
        '3/2022' as versi,
        epss.no as urutan,
        epss.kode as kode_indikator,
        epss.indikator,
        epss.bobot_efektif_pct::numeric(8, 4) as bobot,
        epss.aspek_kode as kode_aspek,
        epss.aspek,
        (epss.bobot_domain_pct * epss.bobot_aspek_dalam_domain_pct / 100)::numeric(8, 4) as bobot_aspek,
        left(epss.aspek_kode, 1) as kode_domain,
        epss.domain,
        epss.bobot_domain_pct::numeric(8, 4) as bobot_domain,
        'kapabilitas_proses' as jenis_tingkat,
        null::text as nilai_dari_indeks_lain
    from epss
),

final as (
    select
        semua.instrumen || ':' || semua.versi || ':' || semua.kode_indikator as kunci_indikator,
        semua.instrumen || ':' || semua.versi as kunci_instrumen,
        semua.instrumen,
        semua.versi,
        semua.kode_indikator,
        semua.urutan,
        semua.indikator,
        semua.bobot,
        semua.kode_aspek,
        semua.aspek,
        semua.bobot_aspek,
        semua.kode_domain,
        semua.domain,
        semua.bobot_domain,
        semua.jenis_tingkat,
        semua.nilai_dari_indeks_lain,
        instrumen.berlaku_mulai,
        instrumen.berlaku_sampai,
        instrumen.status_verifikasi
    from semua
    left join instrumen on semua.instrumen = instrumen.instrumen and semua.versi = instrumen.versi
)

select * from final
