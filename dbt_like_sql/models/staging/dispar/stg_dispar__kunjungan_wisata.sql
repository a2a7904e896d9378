with

kunjungan_wisata as (
    select
        tanggal,
        kode_destinasi,
        nama_destinasi,
        jenis_destinasi,
        kabupaten_kota,
        jenis_wisatawan,
        jumlah_kunjungan
    from {{ source('dispar', 'kunjungan_wisata') }}
),

nama_kabupaten_kota as (
    {{ nama_di_tingkat('kabupaten_kota') }}
),

ejaan as (
    -- Nama dikenali sekali per ejaan, bukan sekali per baris; karena itu CTE berikutnya "materialized".
    select distinct kunjungan_wisata.kabupaten_kota
    from kunjungan_wisata
),

ejaan_berkode as materialized (
    select
        ejaan.kabupaten_kota,
        nama_kabupaten_kota.kode_kemendagri as kode_kabupaten_kota
    from ejaan
    left join nama_kabupaten_kota on nama_kabupaten_kota.kunci = {{ kunci_nama('ejaan.kabupaten_kota') }}
),

final as (
    select
        kunjungan_wisata.tanggal,
        ejaan_berkode.kode_kabupaten_kota,
        kunjungan_wisata.kabupaten_kota,
        kunjungan_wisata.kode_destinasi,
        kunjungan_wisata.nama_destinasi,
        kunjungan_wisata.jenis_destinasi,
        kunjungan_wisata.jenis_wisatawan,
        kunjungan_wisata.jumlah_kunjungan
    from kunjungan_wisata
    left join ejaan_berkode on kunjungan_wisata.kabupaten_kota = ejaan_berkode.kabupaten_kota
)

select * from final
