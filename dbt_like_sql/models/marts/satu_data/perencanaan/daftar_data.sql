with

kontrak as (
    select * from {{ source('ops', 'contract') }}
),

keadaan as (
    select * from {{ source('ops', 'dataset_state') }}
),

butir as (
    select * from {{ ref('stg_bappeda__daftar_data') }}
),

gabungan as (
    select
        kontrak.dataset as dataset_kontrak,
        butir.dataset as dataset_butir,
        kontrak.title as judul_kontrak,
        butir.judul as judul_butir,
        kontrak.producer as produsen,
        butir.produsen_data,
        kontrak.source_kind as jenis_sumber,
        kontrak.frequency_days as frekuensi_hari,
        coalesce(kontrak.latency_hours, 0) as latensi_jam,
        butir.kode_daftar,
        butir.jadwal,
        butir.jadwal_hari,
        butir.jenis_data,
        butir.prioritas,
        -- Yang disepakati insidental tidak punya tempo.
        case when butir.jadwal is null then kontrak.frequency_days else butir.jadwal_hari end as tempo_hari
    from kontrak
    full outer join butir on kontrak.dataset = butir.dataset
),

final as (
    -- Yang disepakati berlaku atas yang dikatakan kontrak: judul, produsen, dan jadwalnya. Butir tanpa kontrak belum
    -- dijanjikan siapa pun: ditampilkan, bukan disembunyikan.
    select
        coalesce(gabungan.dataset_kontrak, gabungan.dataset_butir) as dataset,
        coalesce(gabungan.judul_butir, gabungan.judul_kontrak) as judul,
        coalesce(gabungan.produsen_data, gabungan.produsen) as produsen_data,
        gabungan.jenis_sumber,
        gabungan.jadwal,
        gabungan.jadwal_hari,
        gabungan.frekuensi_hari as dijanjikan_tiap_hari,
        keadaan.arrived_at as terakhir_datang,
        keadaan.rows_in_raw as jumlah_baris,
        keadaan.rows_quarantined as baris_karantina,
        case
            when gabungan.dataset_kontrak is null then 'belum_ada'
            when gabungan.tempo_hari is null and keadaan.arrived_at is not null then 'mutakhir'
            when
                keadaan.arrived_at
                >= current_timestamp
                - gabungan.tempo_hari * interval '1 day'
                - gabungan.latensi_jam * interval '1 hour'
                then 'mutakhir'
            -- Datanya sudah sampai; yang ditunggu walidata, bukan OPD.
            when keadaan.last_state = 'waiting' then 'menunggu_persetujuan'
            when keadaan.last_state in ('failed', 'rejected', 'died') then 'gagal'
            when keadaan.arrived_at is null then 'belum_ada'
            else 'terlambat'
        end as status,
        gabungan.kode_daftar,
        gabungan.jenis_data,
        gabungan.prioritas,
        gabungan.dataset_kontrak is not null as ada_kontrak,
        keadaan.has_sample as data_contoh
    from gabungan
    left join keadaan on gabungan.dataset_kontrak = keadaan.dataset
)

select * from final
