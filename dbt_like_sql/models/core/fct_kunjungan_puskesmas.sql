with

kunjungan as (
    select * from {{ ref('stg_dinkes__kunjungan') }}
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
        count(*) as jumlah
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
