with

puskesmas as (
    select
        kode_puskesmas,
        nama,
        kode_kecamatan,
        jenis,
        alamat,
        lintang,
        bujur,
        tanggal_izin,
        aktif
    from {{ source('dinkes', 'puskesmas') }}
),

final as (
    select
        puskesmas.kode_puskesmas,
        puskesmas.nama,
        {{ kode_kabupaten_kota('puskesmas.kode_kecamatan') }} as kode_kabupaten_kota,
        puskesmas.kode_kecamatan,
        puskesmas.jenis,
        puskesmas.alamat,
        puskesmas.lintang,
        puskesmas.bujur,
        puskesmas.tanggal_izin,
        puskesmas.aktif
    from puskesmas
)

select * from final
