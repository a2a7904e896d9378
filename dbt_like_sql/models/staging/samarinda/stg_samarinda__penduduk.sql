with

penduduk as (
    select
        tahun,
        kecamatan,
        kelurahan,
        kelamin,
        umur,
        jumlah
    from {{ source('samarinda', 'penduduk') }}
),

nama_kecamatan as (
    select
        kunci,
        kode_kemendagri
    from {{ ref('ref_wilayah_nama') }}
    where level = 'kecamatan' and kode_kabupaten_kota = '64.72'
),

nama_kelurahan as (
    select
        kunci,
        kode_kecamatan,
        kode_kemendagri
    from {{ ref('ref_wilayah_nama') }}
    where level = 'kelurahan' and kode_kabupaten_kota = '64.72'
),

ejaan as (
    -- Nama dikenali sekali per ejaan, bukan sekali per baris; karena itu CTE berikutnya "materialized".
    select distinct
        penduduk.kecamatan,
        penduduk.kelurahan
    from penduduk
),

ejaan_berkode as materialized (
    select
        ejaan.kecamatan,
        ejaan.kelurahan,
        nama_kecamatan.kode_kemendagri as kode_kecamatan,
        nama_kelurahan.kode_kemendagri as kode_desa_kelurahan
    from ejaan
    left join nama_kecamatan on nama_kecamatan.kunci = {{ kunci_nama('ejaan.kecamatan') }}
    left join nama_kelurahan
        on
            nama_kelurahan.kunci = {{ kunci_nama('ejaan.kelurahan') }}
            and nama_kecamatan.kode_kemendagri = nama_kelurahan.kode_kecamatan
),

final as (
    select
        penduduk.tahun,
        '64.72'::text as kode_kabupaten_kota,
        ejaan_berkode.kode_kecamatan,
        ejaan_berkode.kode_desa_kelurahan,
        penduduk.kecamatan,
        penduduk.kelurahan,
        penduduk.kelamin as jenis_kelamin,
        penduduk.umur,
        penduduk.jumlah
    from penduduk
    left join ejaan_berkode
        on penduduk.kecamatan = ejaan_berkode.kecamatan and penduduk.kelurahan = ejaan_berkode.kelurahan
)

select * from final
