with

izin as (
    select
        nomor_izin,
        nib,
        kbli,
        jenis_izin,
        skala_usaha,
        kode_kabupaten_kota,
        investasi,
        tanggal_terbit,
        status,
        diperbarui_pada
    from {{ source('dpmptsp', 'izin') }}
),

final as (
    select
        izin.nomor_izin,
        izin.nib,
        izin.kbli,
        izin.jenis_izin,
        izin.skala_usaha,
        izin.kode_kabupaten_kota,
        izin.investasi,
        izin.tanggal_terbit,
        izin.status,
        izin.diperbarui_pada
    from izin
)

select * from final
