with

penduduk as (
    select * from {{ ref('stg_dkp3a__penduduk_agregat') }}
),

final as (
    {{ sel_tersamar(
        'penduduk',
        tabel=['tahun', 'semester', 'kode_kabupaten_kota', 'jenis_kelamin'],
        baris='kode_kecamatan',
        kolom='kelompok_umur'
    ) | indent(4) }}
)

select * from final
