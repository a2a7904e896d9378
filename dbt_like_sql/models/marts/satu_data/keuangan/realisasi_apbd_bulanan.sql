with

realisasi as (
    select * from {{ ref('fct_realisasi_apbd') }}
),

opd as (
    select * from {{ ref('dim_opd') }}
),

jenis_belanja as (
    select * from {{ ref('ref_jenis_belanja') }}
),

tanggal as (
    select * from {{ ref('dim_tanggal') }}
),

provinsi as (
    {{ provinsi() }}
),

berjalan as (
    {{ periode_berjalan('realisasi', 'realisasi.periode', cakupan='1 month') }}
),

sampai_bulan_ini as (
    -- Anggaran adalah anggaran setahun, realisasi hanya bulan itu: persennya dari realisasi sejak Januari.
    select
        realisasi.kode_opd,
        realisasi.kode_jenis_belanja,
        realisasi.anggaran,
        realisasi.realisasi,
        sum(realisasi.realisasi) over (
            partition by tanggal.tahun_anggaran, realisasi.kode_opd, realisasi.kode_jenis_belanja
            order by tanggal.bulan
        ) as realisasi_kumulatif,
        tanggal.tahun_anggaran,
        tanggal.bulan
    from realisasi
    inner join tanggal on realisasi.periode = tanggal.tanggal
    inner join berjalan on realisasi.periode < berjalan.awal
),

final as (
    select
        provinsi.kode_kemendagri as kode_provinsi,
        provinsi.nama as nama_provinsi,
        null::text as kode_kabupaten_kota,
        null::text as nama_kabupaten_kota,
        sampai_bulan_ini.kode_opd,
        opd.nama as nama_opd,
        sampai_bulan_ini.kode_jenis_belanja,
        jenis_belanja.jenis_belanja,
        jenis_belanja.kelompok_belanja,
        sampai_bulan_ini.anggaran,
        sampai_bulan_ini.realisasi,
        sampai_bulan_ini.realisasi_kumulatif,
        round(100 * sampai_bulan_ini.realisasi_kumulatif / nullif(sampai_bulan_ini.anggaran, 0), 2) as persen,
        'rupiah' as satuan,
        sampai_bulan_ini.tahun_anggaran as tahun,
        sampai_bulan_ini.bulan
    from sampai_bulan_ini
    cross join provinsi
    left join opd on sampai_bulan_ini.kode_opd = opd.kode_opd
    left join jenis_belanja on sampai_bulan_ini.kode_jenis_belanja = jenis_belanja.kode_jenis_belanja
)

select * from final
