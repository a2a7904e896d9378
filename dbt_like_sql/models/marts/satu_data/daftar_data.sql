with

kontrak as (
    select * from {{ source('ops', 'contract') }}
),

pemuatan as (
    select * from {{ source('ops', 'load_batch') }}
),

butir as (
    select * from {{ ref('stg_bappeda__daftar_data') }}
),

kiriman as (
    -- Yang datang: pemuatan yang berhasil, juga yang isinya ternyata sama dengan sebelumnya.
    select
        pemuatan.dataset,
        max(pemuatan.finished_at) as terakhir_datang
    from pemuatan
    where pemuatan.state in ('loaded', 'unchanged')
    group by pemuatan.dataset
),

muatan as (
    select distinct on (pemuatan.dataset)
        pemuatan.dataset,
        pemuatan.rows_loaded + coalesce(pemuatan.rows_unchanged, 0) as jumlah_baris,
        pemuatan.rows_quarantined as baris_karantina
    from pemuatan
    where pemuatan.state = 'loaded'
    order by
        pemuatan.dataset asc,
        pemuatan.batch_id desc
),

percobaan as (
    select distinct on (pemuatan.dataset)
        pemuatan.dataset,
        pemuatan.state
    from pemuatan
    where pemuatan.state <> 'running'
    order by
        pemuatan.dataset asc,
        pemuatan.batch_id desc
),

final as (
    -- Butir tanpa kontrak belum dijanjikan siapa pun: ditampilkan, bukan disembunyikan.
    select
        coalesce(kontrak.dataset, butir.dataset) as dataset,
        coalesce(kontrak.judul, butir.judul) as judul,
        coalesce(kontrak.produsen, butir.produsen_data) as produsen_data,
        kontrak.jenis_sumber,
        coalesce(kontrak.frekuensi_hari, butir.jadwal_hari) as dijanjikan_tiap_hari,
        kiriman.terakhir_datang,
        muatan.jumlah_baris,
        muatan.baris_karantina,
        case
            when kontrak.dataset is null then 'belum_ada'
            when kontrak.frekuensi_hari is null and kiriman.terakhir_datang is not null then 'mutakhir'
            when
                kiriman.terakhir_datang
                >= current_timestamp
                - kontrak.frekuensi_hari * interval '1 day'
                - coalesce(kontrak.latensi_jam, 0) * interval '1 hour'
                then 'mutakhir'
            when percobaan.state in ('failed', 'rejected', 'died') then 'gagal'
            when kiriman.terakhir_datang is null then 'belum_ada'
            else 'terlambat'
        end as status,
        butir.kode_daftar,
        butir.jenis_data,
        butir.prioritas,
        kontrak.dataset is not null as ada_kontrak
    from kontrak
    full outer join butir on kontrak.dataset = butir.dataset
    left join kiriman on kontrak.dataset = kiriman.dataset
    left join muatan on kontrak.dataset = muatan.dataset
    left join percobaan on kontrak.dataset = percobaan.dataset
)

select * from final
