with

aplikasi as (
    select * from {{ ref('inventaris_aplikasi') }}
),

opd as (
    select * from {{ ref('dim_opd') }}
),

final as (
    -- OPD yang tidak mengisi satu pun tetap ditampilkan: bisa jadi aplikasinya belum dilaporkan.
    select
        opd.kode_opd,
        opd.nama as nama_opd,
        count(aplikasi.id_aplikasi) as jumlah_aplikasi,
        count(*) filter (where aplikasi.status = 'Operasional') as operasional,
        count(*) filter (where aplikasi.status = 'Pengembangan') as pengembangan,
        count(*) filter (where aplikasi.status = 'Tidak Aktif') as tidak_aktif,
        count(*) filter (where aplikasi.jenis_aplikasi = 'umum') as aplikasi_umum,
        count(*) filter (where aplikasi.jenis_aplikasi = 'khusus') as aplikasi_khusus,
        count(*) filter (where aplikasi.kekurangan_arsitektur is null and aplikasi.id_aplikasi is not null)
            as arsitektur_lengkap,
        count(*) filter (where aplikasi.jumlah_kekurangan = 0) as lengkap,
        'aplikasi' as satuan
    from opd
    left join aplikasi on opd.kode_opd = aplikasi.kode_opd
    where opd.opd_provinsi and opd.status <> 'berakhir' or aplikasi.id_aplikasi is not null
    group by
        opd.kode_opd,
        opd.nama
)

select * from final
