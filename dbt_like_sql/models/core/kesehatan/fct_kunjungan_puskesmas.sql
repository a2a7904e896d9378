{{
    config(
        materialized='incremental',
        unique_key='tanggal',
        on_schema_change='fail',
        indexes=[{'columns': ['tanggal']}],
        meta={'partition': {'column': 'tanggal', 'every': 'daily', 'start': '2026-09-01'}}
    )
}}

with

kunjungan as (
    select * from {{ ref('stg_dinkes__kunjungan') }}
    {{ hari_yang_dimuat(ref('stg_dinkes__kunjungan'), 'tanggal_kunjungan') }}
),

puskesmas as (
    select * from {{ ref('stg_dinkes__puskesmas') }}
),

final as (
    select
        kunjungan.kode_puskesmas,
        puskesmas.kode_kabupaten_kota,
        puskesmas.kode_kecamatan,
        kunjungan.tanggal_kunjungan as tanggal,
        kunjungan.jenis_kelamin,
        kunjungan.cara_bayar,
        count(*) as jumlah,
        max(kunjungan.dimuat_pada) as dimuat_pada
    from kunjungan
    left join puskesmas on kunjungan.kode_puskesmas = puskesmas.kode_puskesmas
    group by
        kunjungan.kode_puskesmas,
        puskesmas.kode_kabupaten_kota,
        puskesmas.kode_kecamatan,
        kunjungan.tanggal_kunjungan,
        kunjungan.jenis_kelamin,
        kunjungan.cara_bayar
)

select * from final
