with

produksi_batubara as (
    select
        kabupaten_kota,
        tahun,
        bulan,
        perusahaan,
        jenis_izin,
        nomor_izin,
        produksi,
        penjualan_domestik,
        penjualan_ekspor,
        penjualan,
        keterangan
    from {{ source('esdm', 'produksi_batubara') }}
),

nama_kabupaten_kota as (
    {{ nama_di_tingkat('kabupaten_kota') }}
),

final as (
    select
        produksi_batubara.tahun,
        produksi_batubara.bulan,
        nama_kabupaten_kota.kode_kemendagri as kode_kabupaten_kota,
        produksi_batubara.kabupaten_kota,
        produksi_batubara.nomor_izin,
        produksi_batubara.jenis_izin,
        produksi_batubara.perusahaan,
        produksi_batubara.produksi,
        produksi_batubara.penjualan_domestik,
        produksi_batubara.penjualan_ekspor,
        produksi_batubara.penjualan,
        produksi_batubara.keterangan
    from produksi_batubara
    left join nama_kabupaten_kota
        on nama_kabupaten_kota.kunci = {{ kunci_nama('produksi_batubara.kabupaten_kota') }}
)

select * from final
