with

kontrak as (
    select * from {{ source('ops', 'contract') }}
),

pemuatan as (
    select * from {{ source('ops', 'load_batch') }}
),

keadaan as (
    select * from {{ source('ops', 'dataset_state') }}
),

pemeriksaan as (
    -- Yang dibuktikan adalah mutu data OPD: uji atas model dan seed gudang sendiri tidak dihitung, dan hasil dataset
    -- yang kontraknya sudah tidak ada tidak membuktikan apa-apa lagi.
    select
        hasil.asset,
        hasil.check_name,
        hasil.passed,
        hasil.at
    from {{ source('ops', 'check_in_force') }} as hasil
    inner join kontrak on hasil.asset = 'raw/' || kontrak.dataset
),

karantina as (
    select * from {{ source('ops', 'quarantine_reason') }}
),

penyamaran as (
    select * from {{ source('ops', 'pseudonym_key') }}
),

terbitan as (
    -- Yang terakhir terjadi pada tiap mart, di mana pun berkasnya: yang ditarik tidak lagi terbit.
    select distinct on (catatan.mart)
        catatan.mart,
        catatan.event as peristiwa,
        catatan.at
    from {{ source('ops', 'publication_log') }} as catatan
    where catatan.path like '%.csv'
    order by
        catatan.mart asc,
        catatan.at desc
),

daftar_data as (
    select * from {{ ref('daftar_data') }}
),

skor as (
    select
        kualitas.skor,
        dense_rank() over (order by kualitas.tahun desc, kualitas.bulan desc) as urutan
    from {{ ref('kualitas_data') }} as kualitas
    where kualitas.dimensi = 'gabungan'
),

periode as (
    -- Kapan tiap periode yang sudah berakhir pertama kali masuk gudang.
    select
        pemuatan.dataset,
        pemuatan.data_until as akhir,
        min(pemuatan.finished_at) as masuk
    from pemuatan
    inner join kontrak on pemuatan.dataset = kontrak.dataset
    where kontrak.publish and pemuatan.state = 'loaded' and pemuatan.data_until <= pemuatan.finished_at
    group by pemuatan.dataset, pemuatan.data_until
),

rilis as (
    -- Jarak dari akhir periode terbaru tiap dataset sampai terbitan pertama, mart mana pun, sesudah periode itu masuk.
    -- Gudang tidak mencatat mart mana membaca dataset mana.
    select distinct on (periode.dataset)
        periode.dataset,
        catatan.at as terbit,
        extract(epoch from catatan.at - periode.akhir) / 86400 as hari
    from periode
    inner join {{ source('ops', 'publication_log') }} as catatan
        on periode.masuk <= catatan.at
    where catatan.path like '%.csv' and catatan.event = 'terbit'
    order by
        periode.dataset asc,
        periode.akhir desc,
        catatan.at asc
),

indikator as (
    select * from {{ ref('dim_indikator') }}
),

peta as (
    select * from {{ ref('ref_bukti_indikator') }}
),

muatan as (
    select
        kontrak.dataset,
        kontrak.producer as produsen,
        kontrak.source_kind as jenis_sumber,
        keadaan.rows_in_raw as baris,
        keadaan.rows_quarantined as baris_karantina,
        keadaan.arrived_at as datang
    from kontrak
    inner join keadaan on kontrak.dataset = keadaan.dataset
    where keadaan.arrived_at is not null
),

terhubung as (
    select *
    from muatan
    where jenis_sumber in ('database', 'api')
),

bukti as (
    select
        'dataset_berkontrak' as jenis_bukti,
        null::text as lingkup,
        count(*)::numeric as angka,
        'dataset' as satuan,
        (select max(muatan.datang) from muatan) as waktu
    from kontrak
    union all
    select
        'sumber_terhubung' as jenis_bukti,
        null as lingkup,
        count(*) as angka,
        'dataset' as satuan,
        max(terhubung.datang) as waktu
    from terhubung
    union all
    select
        'opd_terhubung' as jenis_bukti,
        null as lingkup,
        count(distinct terhubung.produsen) as angka,
        'OPD' as satuan,
        max(terhubung.datang) as waktu
    from terhubung
    union all
    select
        'uji_mutu' as jenis_bukti,
        null as lingkup,
        count(*) as angka,
        'uji' as satuan,
        max(pemeriksaan.at) as waktu
    from pemeriksaan
    union all
    select
        'skor_mutu' as jenis_bukti,
        null as lingkup,
        trunc(avg(skor.skor), 1) as angka,
        'dari 100' as satuan,
        (select max(muatan.datang) from muatan) as waktu
    from skor
    where skor.urutan = 1
    union all
    select
        'jeda_terbitan' as jenis_bukti,
        null as lingkup,
        percentile_cont(0.5) within group (order by rilis.hari)::numeric(10, 1) as angka,
        'hari' as satuan,
        max(rilis.terbit) as waktu
    from rilis
    union all
    select
        'baris_karantina' as jenis_bukti,
        null as lingkup,
        count(distinct karantina.entry_id) as angka,
        'baris' as satuan,
        max(karantina.updated_at) as waktu
    from karantina
    where karantina.state = 'open'
    union all
    select
        'pemuatan_gagal' as jenis_bukti,
        null as lingkup,
        count(*) as angka,
        'pemuatan' as satuan,
        max(pemuatan.finished_at) as waktu
    from pemuatan
    where pemuatan.state in ('failed', 'rejected', 'died')
    union all
    select
        'dataset_tersamar' as jenis_bukti,
        null as lingkup,
        count(distinct penyamaran.dataset) as angka,
        'dataset' as satuan,
        max(penyamaran.since) as waktu
    from penyamaran
    union all
    select
        'mart_terbuka' as jenis_bukti,
        null as lingkup,
        count(*) as angka,
        'data terbuka' as satuan,
        max(terbitan.at) as waktu
    from terbitan
    where terbitan.peristiwa = 'terbit'
    union all
    select
        'dataset_tepat_waktu' as jenis_bukti,
        null as lingkup,
        round(100.0 * count(*) filter (where daftar_data.status = 'mutakhir') / nullif(count(*), 0), 1) as angka,
        'persen' as satuan,
        max(daftar_data.terakhir_datang) as waktu
    from daftar_data
    -- Butir insidental tidak punya tempo: tidak pernah terlambat, jadi juga tidak pernah tepat waktu.
    where
        daftar_data.kode_daftar is not null
        and case
            when daftar_data.jadwal is null then daftar_data.dijanjikan_tiap_hari
            else daftar_data.jadwal_hari
        end is not null
    union all
    select
        'baris_diterima' as jenis_bukti,
        null as lingkup,
        trunc(
            100.0 * sum(muatan.baris) / nullif(sum(muatan.baris) + sum(muatan.baris_karantina), 0), 2
        ) as angka,
        'persen' as satuan,
        max(muatan.datang) as waktu
    from muatan
    union all
    select
        'pemuatan_dataset' as jenis_bukti,
        muatan.dataset as lingkup,
        muatan.baris as angka,
        'baris' as satuan,
        muatan.datang as waktu
    from muatan
),

final as (
    -- Yang tidak pernah terjadi bukan bukti: tanpa waktu, tanpa baris.
    select
        peta.instrumen || ':' || peta.versi || ':' || peta.kode_indikator as kunci_indikator,
        peta.instrumen,
        peta.versi,
        peta.kode_indikator,
        indikator.indikator,
        peta.jenis_bukti,
        peta.lingkup,
        peta.arah,
        peta.membuktikan,
        bukti.angka,
        bukti.satuan,
        {{ tanggal_wita('bukti.waktu') }} as tanggal
    from peta
    inner join bukti
        on peta.jenis_bukti = bukti.jenis_bukti and peta.lingkup is not distinct from bukti.lingkup
    left join indikator
        on
            peta.instrumen = indikator.instrumen
            and peta.versi = indikator.versi
            and peta.kode_indikator = indikator.kode_indikator
    where bukti.waktu is not null and bukti.angka is not null
)

select * from final
