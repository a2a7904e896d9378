with

sel as (
    select * from {{ ref('agg_produksi_sawit') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

final as (
    select
        kabupaten_kota.kode_provinsi,
        kabupaten_kota.nama_provinsi,
        sel.kode_kabupaten_kota,
        kabupaten_kota.nama_kabupaten_kota,
        kecamatan.kode_kemendagri as kode_kecamatan,
        coalesce(kecamatan.nama, sel.wilayah) as nama_kecamatan,
        sel.status_pengusahaan,
        ukuran.uraian,
        ukuran.nilai::numeric(14, 2) as nilai,
        ukuran.satuan,
        sel.tahun,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    cross join lateral (
        values
            ('luas tanaman belum menghasilkan', sel.luas_tbm, 'ha'),
            ('luas tanaman menghasilkan', sel.luas_tm, 'ha'),
            ('luas tanaman tua atau rusak', sel.luas_tr, 'ha'),
            ('luas areal', sel.jumlah_luas, 'ha'),
            ('produksi tandan buah segar', sel.produksi, 'ton'),
            ('produktivitas', sel.produksi * 1000 / nullif(sel.luas_tm, 0), 'kg per ha')
    ) as ukuran (uraian, nilai, satuan)
    left join wilayah as kabupaten_kota on sel.kode_kabupaten_kota = kabupaten_kota.kode_kemendagri
    left join wilayah as kecamatan on sel.wilayah = kecamatan.kode_kemendagri
    where ukuran.nilai is not null or sel.disamarkan
)

select * from final
