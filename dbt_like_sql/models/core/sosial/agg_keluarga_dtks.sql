with

rekap as (
    select * from {{ ref('stg_dinsos__rekap_dtks') }}
),

per_desil as (
    -- Kecamatan yang tidak dikenal tetap satu baris, dengan ejaannya: tanpa itu jumlah kabupaten/kota kurang.
    select
        rekap.tahun,
        rekap.semester,
        rekap.kode_kabupaten_kota,
        coalesce(rekap.kode_kecamatan, rekap.kecamatan) as wilayah,
        desil.desil,
        desil.jumlah
    from rekap
    cross join lateral (
        values
            (1, rekap.keluarga_desil_1),
            (2, rekap.keluarga_desil_2),
            (3, rekap.keluarga_desil_3),
            (4, rekap.keluarga_desil_4)
    ) as desil (desil, jumlah)
),

final as (
    {{ sel_tersamar(
        'per_desil',
        tabel=['tahun', 'semester', 'kode_kabupaten_kota'],
        baris='wilayah',
        kolom='desil'
    ) | indent(4) }}
)

select * from final
