with

penduduk as (
    select * from {{ ref('fct_penduduk_kelurahan') }}
),

final as (
    {{ sel_tersamar(
        'penduduk',
        tabel=['tahun', 'kode_kabupaten_kota', 'kode_kecamatan'],
        baris='kode_desa_kelurahan',
        kolom='jenis_kelamin'
    ) | indent(4) }}
)

select * from final
