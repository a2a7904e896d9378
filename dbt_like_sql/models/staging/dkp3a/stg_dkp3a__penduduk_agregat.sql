with

penduduk_agregat as (
    select
        tahun,
        semester,
        kode_kecamatan,
        jenis_kelamin,
        kelompok_umur,
        jumlah
    from {{ source('dkp3a', 'penduduk_agregat') }}
),

final as (
    select
        penduduk_agregat.tahun,
        penduduk_agregat.semester,
        {{ kode_kabupaten_kota('penduduk_agregat.kode_kecamatan') }} as kode_kabupaten_kota,
        penduduk_agregat.kode_kecamatan,
        penduduk_agregat.jenis_kelamin,
        penduduk_agregat.kelompok_umur,
        penduduk_agregat.jumlah
    from penduduk_agregat
)

select * from final
