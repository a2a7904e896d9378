with

penilaian as (
    select * from {{ ref('fct_penilaian_indikator') }}
),

indikator as (
    select * from {{ ref('dim_indikator') }}
),

instrumen as (
    select * from {{ ref('dim_instrumen') }}
),

predikat as (
    select * from {{ ref('ref_predikat') }}
),

indeks_luar as (
    select * from {{ ref('ref_indeks_luar') }}
),

opd as (
    select * from {{ ref('dim_opd') }}
),

dinilai as (
    -- Nilai konversi saja belum membuat indeks: sisanya belum dinilai siapa pun.
    select
        penilaian.instrumen,
        penilaian.versi,
        penilaian.tahun,
        penilaian.lingkup,
        bool_or(penilaian.asal = 'penilaian') as ada_penilaian,
        max(penilaian.jenis_penilaian) filter (where penilaian.asal = 'penilaian') as jenis_penilaian
    from penilaian
    group by
        penilaian.instrumen,
        penilaian.versi,
        penilaian.tahun,
        penilaian.lingkup
),

tahun_penilaian as (
    select distinct penilaian.tahun from penilaian
    where penilaian.asal = 'penilaian'
),

tahun_opd as (
    select distinct
        dinilai.instrumen,
        dinilai.versi,
        dinilai.tahun
    from dinilai
    where dinilai.lingkup <> 'provinsi'
),

cakupan as (
    select
        dinilai.instrumen,
        dinilai.versi,
        dinilai.tahun,
        dinilai.lingkup,
        dinilai.ada_penilaian,
        dinilai.jenis_penilaian,
        false as hanya_indeks
    from dinilai
    union all
    -- Instrumen yang berlaku pada tahun itu tetapi belum dinilai tetap ditampilkan.
    select
        instrumen.instrumen,
        instrumen.versi,
        tahun_penilaian.tahun,
        'provinsi' as lingkup,
        false as ada_penilaian,
        null as jenis_penilaian,
        false as hanya_indeks
    from instrumen
    inner join tahun_penilaian
        on
            tahun_penilaian.tahun >= extract(year from instrumen.berlaku_mulai)
            and tahun_penilaian.tahun <= coalesce(extract(year from instrumen.berlaku_sampai), 9999)
    left join dinilai
        on
            instrumen.instrumen = dinilai.instrumen
            and instrumen.versi = dinilai.versi
            and tahun_penilaian.tahun = dinilai.tahun
    where dinilai.instrumen is null
    union all
    -- OPD yang tidak dinilai, sedang OPD lain dinilai, tetap satu baris: yang tidak dinilai bukan yang tidak ada.
    select
        tahun_opd.instrumen,
        tahun_opd.versi,
        tahun_opd.tahun,
        opd.kode_opd as lingkup,
        false as ada_penilaian,
        null as jenis_penilaian,
        true as hanya_indeks
    from tahun_opd
    cross join opd
    left join dinilai
        on
            tahun_opd.instrumen = dinilai.instrumen
            and tahun_opd.versi = dinilai.versi
            and tahun_opd.tahun = dinilai.tahun
            and opd.kode_opd = dinilai.lingkup
    where opd.opd_provinsi and opd.status <> 'berakhir' and dinilai.instrumen is null
),

nilai as (
    select
        cakupan.instrumen,
        cakupan.versi,
        cakupan.tahun,
        cakupan.lingkup,
        cakupan.ada_penilaian,
        cakupan.jenis_penilaian,
        cakupan.hanya_indeks,
        indikator.kode_indikator,
        indikator.indikator,
        indikator.bobot,
        indikator.kode_aspek,
        indikator.aspek,
        indikator.bobot_aspek,
        indikator.kode_domain,
        indikator.domain,
        indikator.bobot_domain,
        penilaian.tingkat,
        penilaian.target,
        penilaian.jenis_penilaian as jenis_penilaian_indikator,
        penilaian.status_konversi
    from cakupan
    inner join indikator on cakupan.instrumen = indikator.instrumen and cakupan.versi = indikator.versi
    left join penilaian
        on
            indikator.kunci_indikator = penilaian.kunci_indikator
            and cakupan.tahun = penilaian.tahun
            and cakupan.lingkup = penilaian.lingkup
),

kelompok as (
    select
        nilai.*,
        kelompok.jenis,
        kelompok.kode,
        kelompok.nama,
        kelompok.bobot_kelompok
    from nilai
    inner join instrumen on nilai.instrumen = instrumen.instrumen and nilai.versi = instrumen.versi
    cross join lateral (
        values
            ('indeks', upper(instrumen.instrumen), instrumen.nama_indeks, 100::numeric(8, 4)),
            ('domain', nilai.kode_domain, nilai.domain, nilai.bobot_domain),
            ('aspek', nilai.kode_aspek, nilai.aspek, nilai.bobot_aspek),
            ('indikator', nilai.kode_indikator, nilai.indikator, nilai.bobot)
    ) as kelompok (jenis, kode, nama, bobot_kelompok)
    where kelompok.kode is not null and (kelompok.jenis = 'indeks' or not nilai.hanya_indeks)
),

dihitung as (
    -- Indeks = jumlah(bobot x tingkat) / jumlah bobot. Bobot seluruh indikator berjumlah 100, sehingga untuk indeks ini
    -- rumus peraturannya, jumlah(bobot x tingkat) / 100. Tingkat berentang 1 sampai 5: yang belum dinilai dihitung 1.
    select
        kelompok.instrumen,
        kelompok.versi,
        kelompok.tahun,
        kelompok.lingkup,
        kelompok.jenis,
        kelompok.kode,
        kelompok.nama,
        kelompok.bobot_kelompok as bobot,
        kelompok.ada_penilaian,
        case kelompok.jenis
            when 'indikator' then max(kelompok.jenis_penilaian_indikator)
            else kelompok.jenis_penilaian
        end as jenis_penilaian,
        sum(kelompok.bobot * coalesce(kelompok.tingkat, 1)) / sum(kelompok.bobot) as indeks,
        case
            when count(kelompok.target) > 0
                then sum(kelompok.bobot * coalesce(kelompok.target, 1)) / sum(kelompok.bobot)
        end as target_indeks,
        count(*) as jumlah_indikator,
        count(kelompok.tingkat) as terisi,
        bool_or(coalesce(kelompok.status_konversi, '') = 'disimpulkan') as ada_yang_disimpulkan
    from kelompok
    group by
        kelompok.instrumen,
        kelompok.versi,
        kelompok.tahun,
        kelompok.lingkup,
        kelompok.jenis,
        kelompok.kode,
        kelompok.nama,
        kelompok.bobot_kelompok,
        kelompok.ada_penilaian,
        kelompok.jenis_penilaian
),

dibulatkan as (
    select
        dihitung.*,
        case
            when dihitung.jenis = 'indikator' and dihitung.terisi = 0 then null
            when dihitung.jenis <> 'indikator' and not dihitung.ada_penilaian then null
            else round(dihitung.indeks, instrumen.desimal)::numeric(4, 2)
        end as indeks_bulat,
        round(dihitung.target_indeks, instrumen.desimal)::numeric(4, 2) as target_bulat
    from dihitung
    inner join instrumen on dihitung.instrumen = instrumen.instrumen and dihitung.versi = instrumen.versi
),

semua as (
    select
        dibulatkan.instrumen,
        dibulatkan.versi,
        dibulatkan.tahun,
        dibulatkan.lingkup,
        dibulatkan.jenis,
        dibulatkan.kode,
        dibulatkan.nama,
        dibulatkan.bobot,
        case
            -- Penilainya memberi satu indeks per provinsi. Indeks satu OPD hanya hitungan kami.
            when
                dibulatkan.jenis <> 'indikator'
                and dibulatkan.lingkup <> 'provinsi'
                and dibulatkan.jenis_penilaian is not null
                then 'dihitung'
            else dibulatkan.jenis_penilaian
        end as jenis_penilaian,
        'formulir' as asal,
        dibulatkan.indeks_bulat as indeks,
        dibulatkan.target_bulat as target_indeks,
        dibulatkan.jumlah_indikator,
        dibulatkan.terisi,
        case
            when not dibulatkan.ada_penilaian and dibulatkan.terisi = 0 then 'belum ada penilaian'
            when not dibulatkan.ada_penilaian and dibulatkan.jenis <> 'indikator' then 'baru nilai konversi'
            when dibulatkan.terisi = 0 then 'belum dinilai, dihitung tingkat 1'
            when dibulatkan.terisi < dibulatkan.jumlah_indikator then 'sebagian belum dinilai, dihitung tingkat 1'
            when dibulatkan.ada_yang_disimpulkan then 'memakai ruas konversi yang disimpulkan'
        end as keterangan
    from dibulatkan
    union all
    -- Yang diumumkan untuk seluruh provinsi, seperti diumumkan: tidak dihitung ulang.
    select
        instrumen.instrumen,
        instrumen.versi,
        indeks_luar.tahun,
        'provinsi' as lingkup,
        'indeks' as jenis,
        upper(instrumen.instrumen) as kode,
        instrumen.nama_indeks as nama,
        100 as bobot,
        indeks_luar.jenis_penilaian,
        'diumumkan' as asal,
        indeks_luar.nilai::numeric(4, 2) as indeks,
        null as target_indeks,
        instrumen.jumlah_indikator,
        null as terisi,
        indeks_luar.sumber as keterangan
    from indeks_luar
    inner join instrumen
        on
            indeks_luar.indeks = instrumen.singkatan_indeks
            and indeks_luar.tahun >= extract(year from instrumen.berlaku_mulai)
            and indeks_luar.tahun <= coalesce(extract(year from instrumen.berlaku_sampai), 9999)
),

final as (
    select
        semua.instrumen,
        semua.versi,
        instrumen.berlaku_sampai is null as instrumen_berlaku,
        semua.tahun,
        semua.lingkup,
        semua.jenis,
        semua.kode,
        semua.nama,
        semua.bobot,
        semua.jenis_penilaian,
        semua.asal,
        semua.indeks,
        semua.target_indeks,
        (semua.indeks - semua.target_indeks)::numeric(4, 2) as selisih,
        predikat.predikat,
        semua.jumlah_indikator,
        semua.terisi,
        semua.keterangan
    from semua
    inner join instrumen on semua.instrumen = instrumen.instrumen and semua.versi = instrumen.versi
    left join predikat
        on
            semua.jenis <> 'indikator'
            and semua.instrumen = predikat.instrumen
            and semua.versi = predikat.versi
            and semua.indeks >= predikat.batas_bawah
            and (predikat.batas_atas is null or semua.indeks < predikat.batas_atas)
)

select * from final
