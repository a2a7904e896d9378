with

sawit as (
    select * from {{ ref('stg_disbun__produksi_sawit') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

per_kecamatan as (
    -- Satu kecamatan dapat dieja lebih dari satu cara; jumlahnya digabung per kode. Yang tidak dikenal tetap satu
    -- baris, dengan ejaannya.
    select
        sawit.tahun,
        sawit.kode_kabupaten_kota,
        coalesce(sawit.kode_kecamatan, sawit.kecamatan) as wilayah,
        sawit.status_pengusahaan,
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
    select
        kabupaten_kota.kode_provinsi,
        kabupaten_kota.nama_provinsi,
        per_kecamatan.kode_kabupaten_kota,
        kabupaten_kota.nama_kabupaten_kota,
        kecamatan.kode_kemendagri as kode_kecamatan,
        coalesce(kecamatan.nama, per_kecamatan.wilayah) as nama_kecamatan,
        per_kecamatan.status_pengusahaan,
        ukuran.uraian,
        ukuran.nilai::numeric(14, 2) as nilai,
        ukuran.satuan,
        per_kecamatan.tahun
    from per_kecamatan
    cross join lateral (
        values
            ('luas tanaman belum menghasilkan', per_kecamatan.luas_tbm, 'ha'),
            ('luas tanaman menghasilkan', per_kecamatan.luas_tm, 'ha'),
            ('luas tanaman tua atau rusak', per_kecamatan.luas_tr, 'ha'),
            ('luas areal', per_kecamatan.jumlah_luas, 'ha'),
            ('produksi tandan buah segar', per_kecamatan.produksi, 'ton'),
            ('produktivitas', per_kecamatan.produksi * 1000 / nullif(per_kecamatan.luas_tm, 0), 'kg per ha')
    ) as ukuran (uraian, nilai, satuan)
    left join wilayah as kabupaten_kota on per_kecamatan.kode_kabupaten_kota = kabupaten_kota.kode_kemendagri
    left join wilayah as kecamatan on per_kecamatan.wilayah = kecamatan.kode_kemendagri
    where ukuran.nilai is not null
)

select * from final
