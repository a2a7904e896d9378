with

sawit as (
    select * from {{ ref('stg_disbun__produksi_sawit') }}
),

per_kecamatan as (
    -- Satu kecamatan dapat dieja lebih dari satu cara; jumlahnya digabung per kode. Yang tidak dikenal tetap satu
    -- baris, dengan ejaannya. Sel yang pekebunnya tidak disebut sumbernya (swasta, negara) dianggap banyak.
    select
        sawit.tahun,
        sawit.kode_kabupaten_kota,
        coalesce(sawit.kode_kecamatan, sawit.kecamatan) as wilayah,
        sawit.status_pengusahaan,
        coalesce(sum(sawit.jumlah_pekebun), 1000000) as pekebun,
        sum(sawit.luas_tbm) as luas_tbm,
        sum(sawit.luas_tm) as luas_tm,
        sum(sawit.luas_tr) as luas_tr,
        sum(sawit.jumlah_luas) as jumlah_luas,
        sum(sawit.produksi) as produksi
    from sawit
    group by
        sawit.tahun,
        sawit.kode_kabupaten_kota,
        coalesce(sawit.kode_kecamatan, sawit.kecamatan),
        sawit.status_pengusahaan
),

final as (
    {{ sel_tersamar(
        'per_kecamatan',
        tabel=['tahun', 'kode_kabupaten_kota'],
        baris='wilayah',
        kolom='status_pengusahaan',
        jumlah='pekebun',
        nilai=['luas_tbm', 'luas_tm', 'luas_tr', 'jumlah_luas', 'produksi']
    ) | indent(4) }}
)

select
    tahun,
    kode_kabupaten_kota,
    wilayah,
    status_pengusahaan,
    luas_tbm,
    luas_tm,
    luas_tr,
    jumlah_luas,
    produksi,
    disamarkan
from final
where not baris_total and not kolom_total
