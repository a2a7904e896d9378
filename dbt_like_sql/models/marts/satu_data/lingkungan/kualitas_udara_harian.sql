with

ispu as (
    select * from {{ ref('stg_dlh__ispu') }}
),

batas as (
    select * from {{ ref('ref_ispu') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

tanggal as (
    select * from {{ ref('dim_tanggal') }}
),

berjalan as (
    {{ periode_berjalan(
        'ispu', "(ispu.waktu at time zone '" ~ var('zona_waktu') ~ "')", satuan='day', cakupan='1 hour'
    ) }}
),

per_hari as (
    -- Hari menurut WITA, lihat stg_dlh__ispu. ISPU PM2.5 berasal dari rata-rata 24 jam, bukan dari jam tertinggi. Hari
    -- yang belum berakhir tidak tampil, dan hari yang kurang dari tiga perempatnya terukur tidak diberi indeks.
    select
        ispu.kode_kabupaten_kota,
        ispu.stasiun,
        ispu.tanggal,
        'PM2.5' as parameter,
        round(avg(ispu.pm25), 2) as konsentrasi,
        count(ispu.pm25) as jumlah_pengukuran,
        count(ispu.pm25) >= {{ var('pengukuran_terendah') }} as memadai
    from ispu
    inner join berjalan on ispu.tanggal < berjalan.awal
    where ispu.pm25 is not null
    group by
        ispu.kode_kabupaten_kota,
        ispu.stasiun,
        ispu.tanggal
),

berindeks as (
    -- Di atas tabelnya (500) ISPU tetap 500.
    select
        per_hari.*,
        round(
            batas.ispu_bawah
            + (least(per_hari.konsentrasi, batas.konsentrasi_atas) - batas.konsentrasi_bawah)
            * (batas.ispu_atas - batas.ispu_bawah)
            / (batas.konsentrasi_atas - batas.konsentrasi_bawah)
        )::integer as ispu
    from per_hari
    left join batas
        on
            per_hari.memadai
            and per_hari.parameter = batas.parameter
            and (per_hari.konsentrasi > batas.konsentrasi_bawah or batas.konsentrasi_bawah = 0)
            and (per_hari.konsentrasi <= batas.konsentrasi_atas or batas.ispu_atas = 500)
),

final as (
    -- Kategori menurut ISPU yang sudah dibulatkan: 300 masih Sangat Tidak Sehat.
    select
        wilayah.kode_provinsi,
        wilayah.nama_provinsi,
        berindeks.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        berindeks.stasiun,
        berindeks.parameter,
        berindeks.jumlah_pengukuran,
        berindeks.konsentrasi,
        berindeks.ispu,
        batas.kategori,
        'indeks' as satuan,
        tanggal.tahun,
        tanggal.bulan,
        berindeks.tanggal,
        case when not berindeks.memadai then 'kurang dari {{ var('pengukuran_terendah') }} jam terukur' end
            as keterangan
    from berindeks
    inner join tanggal on berindeks.tanggal = tanggal.tanggal
    left join wilayah on berindeks.kode_kabupaten_kota = wilayah.kode_kemendagri
    left join batas
        on
            berindeks.parameter = batas.parameter
            and (berindeks.ispu > batas.ispu_bawah or batas.ispu_bawah = 0)
            and berindeks.ispu <= batas.ispu_atas
)

select * from final
