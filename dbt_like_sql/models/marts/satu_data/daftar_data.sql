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

final as (
    -- Yang disepakati berlaku atas yang dikatakan kontrak: judul, produsen, dan jadwalnya. Butir tanpa kontrak belum
    -- dijanjikan siapa pun: ditampilkan, bukan disembunyikan.
    select
        coalesce(kontrak.dataset, butir.dataset) as dataset,
        coalesce(butir.judul, kontrak.judul) as judul,
        coalesce(butir.produsen_data, kontrak.produsen) as produsen_data,
        kontrak.jenis_sumber,
        butir.jadwal,
        butir.jadwal_hari,
        kontrak.frekuensi_hari as dijanjikan_tiap_hari,
        keadaan.arrived_at as terakhir_datang,
        keadaan.rows_in_raw as jumlah_baris,
        keadaan.rows_quarantined as baris_karantina,
        case
            when kontrak.dataset is null then 'belum_ada'
            when tempo.hari is null and keadaan.arrived_at is not null then 'mutakhir'
            when
                keadaan.arrived_at
                >= current_timestamp
                - tempo.hari * interval '1 day'
                - coalesce(kontrak.latensi_jam, 0) * interval '1 hour'
                then 'mutakhir'
            when keadaan.last_state in ('failed', 'rejected', 'died') then 'gagal'
            when keadaan.arrived_at is null then 'belum_ada'
            else 'terlambat'
        end as status,
        butir.kode_daftar,
        butir.jenis_data,
        butir.prioritas,
        kontrak.dataset is not null as ada_kontrak
    from kontrak
    full outer join butir on kontrak.dataset = butir.dataset
    left join keadaan on kontrak.dataset = keadaan.dataset
    -- Yang disepakati insidental tidak punya tempo.
    cross join lateral (
        select case when butir.jadwal is null then kontrak.frekuensi_hari else butir.jadwal_hari end as hari
    ) as tempo
)

select * from final
