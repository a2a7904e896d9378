with

kunjungan as (
    select
        id_kunjungan,
        tanggal_kunjungan,
        kode_puskesmas,
        nik,
        jenis_kelamin,
        umur,
        kode_icd10,
        cara_bayar,
        _loaded_at
    from {{ source('dinkes', 'kunjungan') }}
),

final as (
    select
        kunjungan.id_kunjungan,
        kunjungan.tanggal_kunjungan,
        kunjungan.kode_puskesmas,
        kunjungan.nik as pseudonim_pasien,
        kunjungan.jenis_kelamin,
        kunjungan.umur,
        kunjungan.kode_icd10,
        kunjungan.cara_bayar,
        kunjungan._loaded_at as dimuat_pada
    from kunjungan
)

select * from final
