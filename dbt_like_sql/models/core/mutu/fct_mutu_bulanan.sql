with

kontrak as (
    select * from {{ source('ops', 'contract') }}
),

pemuatan as (
    select * from {{ source('ops', 'load_batch') }}
),

kedatangan as (
    select * from {{ source('ops', 'arrival') }}
),

alasan as (
    select * from {{ source('ops', 'quarantine_reason') }}
),

pemeriksaan as (
    select * from {{ source('ops', 'check_history') }}
),

perbaikan as (
    select * from {{ source('ops', 'load_repair') }}
),

butir as (
    select * from {{ ref('stg_bappeda__daftar_data') }}
),

dimensi as (
    select * from {{ ref('ref_dimensi_mutu') }}
),

peta as (
    select * from {{ ref('ref_dimensi_temuan') }}
),

dicoba as (
    select
        pemuatan.dataset,
        min(pemuatan.started_at) as pertama
    from pemuatan
    group by pemuatan.dataset
),

disepakati as (
    select
        butir.dataset,
        max(butir.jadwal_hari) as jadwal_hari
    from butir
    where butir.jadwal is not null
    group by butir.dataset
),

-- Setiap berapa lama data dijanjikan: yang disepakati dalam Daftar Data berlaku atas kontrak.
janji as (
    select
        kontrak.dataset,
        case when disepakati.dataset is null then kontrak.frequency_days else disepakati.jadwal_hari end
        * interval '1 day'
        + coalesce(kontrak.latency_hours, 0) * interval '1 hour' as lama
    from kontrak
    left join disepakati on kontrak.dataset = disepakati.dataset
),

datang as (
    select
        kedatangan.dataset,
        min(kedatangan.known_at) as pertama
    from kedatangan
    group by kedatangan.dataset
),

deret as (
    select
        generate_series(
            {{ awal_bulan('current_timestamp') }} - ({{ var('bulan_mutu') }} - 1) * interval '1 month',
            {{ awal_bulan('current_timestamp') }},
            interval '1 month'
        ) as awal
),

bulan as (
    -- Sejak bulan percobaan pertama. Bulan yang berjalan baru sampai sekarang. Ketepatan waktu diukur sejak kedatangan
    -- pertama; bila belum ada, sejak janjinya lewat.
    select
        kontrak.dataset,
        deret.awal as bulan,
        janji.lama as janji,
        greatest(
            deret.awal at time zone '{{ var("zona_waktu") }}',
            least(datang.pertama, dicoba.pertama + janji.lama)
        ) as dari,
        least(
            (deret.awal + interval '1 month') at time zone '{{ var("zona_waktu") }}', current_timestamp
        ) as sampai
    from kontrak
    inner join dicoba on kontrak.dataset = dicoba.dataset
    inner join janji on kontrak.dataset = janji.dataset
    left join datang on kontrak.dataset = datang.dataset
    inner join deret on {{ awal_bulan('dicoba.pertama') }} <= deret.awal
),

-- Baris yang berlaku pada akhir bulan.
isi as (
    select distinct on (bulan.dataset, bulan.bulan)
        bulan.dataset,
        bulan.bulan,
        pemuatan.rows_in_raw as baris
    from bulan
    inner join pemuatan on bulan.dataset = pemuatan.dataset and bulan.sampai >= pemuatan.finished_at
    where pemuatan.rows_in_raw is not null
    order by
        bulan.dataset asc,
        bulan.bulan asc,
        pemuatan.finished_at desc,
        pemuatan.batch_id desc
),

-- Setiap baris yang ditahan: sekali per dimensi aturannya, dan sekali untuk semuanya (tanpa dimensi).
tahanan as (
    select
        alasan.dataset,
        alasan.entry_id,
        peta.dimensi,
        {{ awal_bulan('alasan.created_at') }} as masuk,
        {{ awal_bulan('alasan.updated_at') }} as beres,
        alasan.state = 'resolved' as sudah_beres,
        extract(epoch from alasan.updated_at - alasan.created_at) / 86400 as hari
    from alasan
    inner join peta on alasan.rule = peta.nama and peta.jenis = 'aturan_baris'
    union
    select
        alasan.dataset,
        alasan.entry_id,
        null as dimensi,
        {{ awal_bulan('alasan.created_at') }} as masuk,
        {{ awal_bulan('alasan.updated_at') }} as beres,
        alasan.state = 'resolved' as sudah_beres,
        extract(epoch from alasan.updated_at - alasan.created_at) / 86400 as hari
    from alasan
),

jumlah_tahanan as (
    select
        tahanan.dataset,
        tahanan.dimensi,
        tahanan.masuk,
        tahanan.sudah_beres,
        case when tahanan.sudah_beres then tahanan.beres end as beres,
        count(*) as baris,
        sum(tahanan.hari) as hari
    from tahanan
    group by
        tahanan.dataset,
        tahanan.dimensi,
        tahanan.masuk,
        tahanan.sudah_beres,
        case when tahanan.sudah_beres then tahanan.beres end
),

karantina as (
    select
        bulan.dataset,
        bulan.bulan,
        jumlah_tahanan.dimensi,
        sum(jumlah_tahanan.baris) filter (
            where not jumlah_tahanan.sudah_beres or jumlah_tahanan.beres > bulan.bulan
        ) as ditahan,
        sum(jumlah_tahanan.hari) filter (where jumlah_tahanan.beres = bulan.bulan)
        / sum(jumlah_tahanan.baris) filter (where jumlah_tahanan.beres = bulan.bulan) as hari_perbaikan
    from bulan
    inner join jumlah_tahanan
        on bulan.dataset = jumlah_tahanan.dataset and bulan.bulan >= jumlah_tahanan.masuk
    group by bulan.dataset, bulan.bulan, jumlah_tahanan.dimensi
),

-- Hasil tiap pemeriksaan yang berlaku pada akhir bulan. Sebuah pemeriksaan dapat punya beberapa: hasil terakhirnya, dan
-- kegagalan atas hari lain yang barisnya belum diperbaiki.
hasil as (
    select
        bulan.dataset,
        bulan.bulan,
        pemeriksaan.check_name as pemeriksaan,
        pemeriksaan.code as kode,
        pemeriksaan.passed as lulus,
        case
            when pemeriksaan.passed then 1
            when pemeriksaan.unexpected > 0 and pemeriksaan.total >= pemeriksaan.unexpected
                then 1 - pemeriksaan.unexpected / pemeriksaan.total::numeric
            when pemeriksaan.severity = 'warn' then 0.5
            else 0
        end as bagian
    from bulan
    inner join pemeriksaan
        on
            'raw/' || bulan.dataset = pemeriksaan.asset
            and bulan.sampai > pemeriksaan.at
            and coalesce(pemeriksaan.over_at, 'infinity') >= bulan.sampai
),

uji as (
    select
        hasil.dataset,
        hasil.bulan,
        peta.dimensi,
        count(distinct hasil.pemeriksaan) filter (where not hasil.lulus) as gagal,
        min(hasil.bagian) filter (where peta.dihitung) as bagian
    from hasil
    inner join peta on hasil.kode = peta.nama and peta.jenis = 'pemeriksaan'
    group by hasil.dataset, hasil.bulan, peta.dimensi
),

-- Percobaan terakhir sampai akhir bulan, bila gagal, adalah satu temuan.
percobaan as (
    select distinct on (bulan.dataset, bulan.bulan)
        bulan.dataset,
        bulan.bulan,
        pemuatan.code as kode
    from bulan
    inner join pemuatan on bulan.dataset = pemuatan.dataset and bulan.sampai >= pemuatan.finished_at
    order by
        bulan.dataset asc,
        bulan.bulan asc,
        pemuatan.finished_at desc,
        pemuatan.batch_id desc
),

kegagalan as (
    select
        percobaan.dataset,
        percobaan.bulan,
        peta.dimensi
    from percobaan
    inner join peta on percobaan.kode = peta.nama and peta.jenis = 'pemuatan'
),

-- Sel yang diperbaiki. Selama belum ada pemuatan lain, data yang berlaku masih yang diperbaiki itu.
terbaca as (
    select
        pemuatan.dataset,
        {{ awal_bulan('pemuatan.finished_at') }} as bulan,
        sum(pemuatan.rows_read) * max(kontrak.column_count) as sel
    from pemuatan
    inner join kontrak on pemuatan.dataset = kontrak.dataset
    where pemuatan.state = 'loaded' and pemuatan.rows_read > 0
    group by pemuatan.dataset, {{ awal_bulan('pemuatan.finished_at') }}
),

diperbaiki as (
    select
        pemuatan.dataset,
        {{ awal_bulan('pemuatan.finished_at') }} as bulan,
        peta.dimensi,
        sum(perbaikan.rows) as sel
    from perbaikan
    inner join pemuatan on perbaikan.batch_id = pemuatan.batch_id
    inner join peta on perbaikan.repair = peta.nama and peta.jenis = 'perbaikan'
    where pemuatan.state = 'loaded' and pemuatan.rows_read > 0
    group by pemuatan.dataset, {{ awal_bulan('pemuatan.finished_at') }}, peta.dimensi
),

muatan_terakhir as (
    select distinct on (bulan.dataset, bulan.bulan)
        bulan.dataset,
        bulan.bulan,
        terbaca.bulan as bulan_muatan,
        terbaca.sel
    from bulan
    inner join terbaca on bulan.dataset = terbaca.dataset and bulan.bulan >= terbaca.bulan
    order by
        bulan.dataset asc,
        bulan.bulan asc,
        terbaca.bulan desc
),

-- Setiap kedatangan menepati janji sampai waktu yang dijanjikan untuk kedatangan berikutnya.
ditepati as (
    select
        kedatangan.dataset,
        kedatangan.known_at as dari,
        least(
            lead(kedatangan.known_at) over kronologi,
            max(kedatangan.arrived_at + janji.lama) over kronologi
        ) as sampai
    from kedatangan
    inner join janji on kedatangan.dataset = janji.dataset
    window kronologi as (partition by kedatangan.dataset order by kedatangan.known_at, kedatangan.arrived_at)
),

tepat as (
    select
        bulan.dataset,
        bulan.bulan,
        coalesce(sum(
            extract(epoch from least(ditepati.sampai, bulan.sampai) - greatest(ditepati.dari, bulan.dari))
        ) filter (where ditepati.dataset is not null), 0) as detik
    from bulan
    left join ditepati
        on
            bulan.dataset = ditepati.dataset
            and least(ditepati.sampai, bulan.sampai) > greatest(ditepati.dari, bulan.dari)
    where bulan.janji is not null and bulan.sampai > bulan.dari
    group by bulan.dataset, bulan.bulan
),

final as (
    select
        bulan.dataset,
        bulan.bulan::date as bulan,
        dimensi.dimensi,
        coalesce(isi.baris, 0) as baris_berlaku,
        coalesce(semua.ditahan, 0)::bigint as baris_karantina,
        coalesce(karantina.ditahan, 0)::bigint as baris_melanggar,
        uji.bagian as bagian_uji,
        coalesce(diperbaiki.sel, 0)::bigint as sel_diperbaiki,
        muatan_terakhir.sel as sel_dibaca,
        coalesce(muatan_terakhir.bulan_muatan = bulan.bulan, false) as dimuat,
        case when tepat.detik is not null then extract(epoch from bulan.sampai - bulan.dari) end as detik_diukur,
        tepat.detik as detik_tepat,
        coalesce(uji.gagal, 0) as uji_gagal,
        (kegagalan.dimensi is not null)::integer as pemuatan_gagal,
        karantina.hari_perbaikan,
        semua.hari_perbaikan as hari_perbaikan_semua
    from bulan
    cross join dimensi
    left join isi on bulan.dataset = isi.dataset and bulan.bulan = isi.bulan
    left join karantina as semua
        on bulan.dataset = semua.dataset and bulan.bulan = semua.bulan and semua.dimensi is null
    left join karantina
        on bulan.dataset = karantina.dataset and bulan.bulan = karantina.bulan and dimensi.dimensi = karantina.dimensi
    left join uji on bulan.dataset = uji.dataset and bulan.bulan = uji.bulan and dimensi.dimensi = uji.dimensi
    left join kegagalan
        on bulan.dataset = kegagalan.dataset and bulan.bulan = kegagalan.bulan and dimensi.dimensi = kegagalan.dimensi
    left join muatan_terakhir on bulan.dataset = muatan_terakhir.dataset and bulan.bulan = muatan_terakhir.bulan
    left join diperbaiki
        on
            muatan_terakhir.dataset = diperbaiki.dataset
            and muatan_terakhir.bulan_muatan = diperbaiki.bulan
            and dimensi.dimensi = diperbaiki.dimensi
    left join tepat
        on bulan.dataset = tepat.dataset and bulan.bulan = tepat.bulan and dimensi.dimensi = 'aktualitas'
)

select * from final
