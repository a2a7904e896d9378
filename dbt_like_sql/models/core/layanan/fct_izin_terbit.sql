with

izin as (
    select * from {{ ref('stg_dpmptsp__izin') }}
),

final as (
    select
        izin.tanggal_terbit as tanggal,
        izin.kode_kabupaten_kota,
        izin.jenis_izin,
        izin.skala_usaha,
        izin.status,
        count(*) as jumlah_izin,
        sum(coalesce(izin.investasi, 0)) as investasi
    from izin
    group by
        izin.tanggal_terbit,
        izin.kode_kabupaten_kota,
        izin.jenis_izin,
        izin.skala_usaha,
        izin.status
)

select * from final
