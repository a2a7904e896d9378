-- Dataset baru dengan nama wilayah: tambahkan satu baris per kolom.
{% set kolom_nama = [
    {'dataset': 'balikpapan/sekolah', 'level': 'kabupaten_kota', 'nama': 'kota_kabupaten',
     'kode': 'kode_kabupaten_kota'},
    {'dataset': 'balikpapan/sekolah', 'level': 'kecamatan', 'nama': 'kecamatan', 'kode': 'kode_kecamatan',
     'lingkup': '64.71'},
    {'dataset': 'balikpapan/sekolah', 'level': 'desa_kelurahan', 'nama': 'desa_kelurahan',
     'kode': 'kode_desa_kelurahan', 'lingkup': '64.71', 'induk': 'kode_kecamatan'},
    {'dataset': 'dinsos/rekap_dtks', 'level': 'kabupaten_kota', 'nama': 'kabupaten_kota',
     'kode': 'kode_kabupaten_kota'},
    {'dataset': 'dinsos/rekap_dtks', 'level': 'kecamatan', 'nama': 'kecamatan', 'kode': 'kode_kecamatan',
     'induk': 'kode_kabupaten_kota'},
    {'dataset': 'disbun/produksi_sawit', 'level': 'kabupaten_kota', 'nama': 'kabupaten_kota',
     'kode': 'kode_kabupaten_kota'},
    {'dataset': 'disbun/produksi_sawit', 'level': 'kecamatan', 'nama': 'kecamatan', 'kode': 'kode_kecamatan',
     'induk': 'kode_kabupaten_kota'},
    {'dataset': 'disdikbud/sekolah', 'level': 'kecamatan', 'nama': 'kecamatan', 'kode': 'kode_kecamatan',
     'induk': 'kode_kabupaten_kota'},
    {'dataset': 'disdikbud/sma', 'level': 'provinsi', 'nama': 'provinsi', 'kode': 'kode_provinsi'},
    {'dataset': 'dispar/kunjungan_wisata', 'level': 'kabupaten_kota', 'nama': 'kabupaten_kota',
     'kode': 'kode_kabupaten_kota'},
    {'dataset': 'dkp/pembenihan_ikan', 'level': 'kabupaten_kota', 'nama': 'kab_kota', 'kode': 'kode_kabupaten_kota'},
    {'dataset': 'esdm/produksi_batubara', 'level': 'kabupaten_kota', 'nama': 'kabupaten_kota',
     'kode': 'kode_kabupaten_kota'},
    {'dataset': 'samarinda/penduduk', 'level': 'kecamatan', 'nama': 'kecamatan', 'kode': 'kode_kecamatan',
     'lingkup': '64.72'},
    {'dataset': 'samarinda/penduduk', 'level': 'desa_kelurahan', 'nama': 'kelurahan', 'kode': 'kode_desa_kelurahan',
     'lingkup': '64.72', 'induk': 'kode_kecamatan'},
] %}

with

tak_dikenal as (
    {%- for kolom in kolom_nama %}
    {{ nama_tak_dikenal(**kolom) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

ejaan as (
    select
        tak_dikenal.dataset,
        tak_dikenal.level,
        tak_dikenal.lingkup,
        tak_dikenal.ejaan,
        sum(tak_dikenal.baris_gudang) as baris_gudang,
        sum(tak_dikenal.baris_karantina) as baris_karantina
    from tak_dikenal
    group by
        tak_dikenal.dataset,
        tak_dikenal.level,
        tak_dikenal.lingkup,
        tak_dikenal.ejaan
),

calon as (
    -- Juga nama lama dan ejaan lain; yang disarankan adalah nama resmi dari kode yang masih berlaku.
    select
        nama.kunci,
        case when nama.level in ('desa', 'kelurahan') then 'desa_kelurahan' else nama.level end as level,
        wilayah.kode_kemendagri,
        wilayah.nama
    from {{ ref('ref_wilayah_nama') }} as nama
    inner join {{ ref('ref_wilayah') }} as wilayah on nama.kode_kemendagri = wilayah.kode_kemendagri
),

kemiripan as (
    select
        ejaan.dataset,
        ejaan.level,
        ejaan.lingkup,
        ejaan.ejaan,
        calon.kode_kemendagri,
        calon.nama,
        max(ops.kemiripan({{ kunci_nama('ejaan.ejaan') }}, calon.kunci)) as kemiripan
    from ejaan
    inner join calon
        on
            ejaan.level = calon.level
            and (ejaan.lingkup is null or starts_with(calon.kode_kemendagri, ejaan.lingkup))
    group by
        ejaan.dataset,
        ejaan.level,
        ejaan.lingkup,
        ejaan.ejaan,
        calon.kode_kemendagri,
        calon.nama
),

peringkat as (
    select
        kemiripan.*,
        row_number() over (
            partition by kemiripan.dataset, kemiripan.level, kemiripan.lingkup, kemiripan.ejaan
            order by kemiripan.kemiripan desc, kemiripan.kode_kemendagri asc
        ) as urutan
    from kemiripan
    where kemiripan.kemiripan >= {{ var('kemiripan_terendah') }}
),

final as (
    select
        ejaan.dataset,
        ejaan.level,
        ejaan.lingkup,
        ejaan.ejaan,
        ejaan.baris_gudang,
        ejaan.baris_karantina,
        {%- for n in [1, 2, 3] %}
        max(peringkat.kode_kemendagri) filter (where peringkat.urutan = {{ n }}) as saran_{{ n }}_kode,
        max(peringkat.nama) filter (where peringkat.urutan = {{ n }}) as saran_{{ n }}_nama,
        max(peringkat.kemiripan) filter (where peringkat.urutan = {{ n }})::numeric(3, 2) as saran_{{ n }}_kemiripan,
        {%- endfor %}
        case
            when ops.kemiripan('a', 'a') is null
                then 'Ekstensi pg_trgm tidak ada: minta pengelola server menjalankan CREATE EXTENSION pg_trgm.'
            when count(peringkat.urutan) = 0 then 'Tidak ada nama yang cukup mirip di lingkup ini.'
        end as catatan
    from ejaan
    left join peringkat
        on
            ejaan.dataset = peringkat.dataset
            and ejaan.level = peringkat.level
            and ejaan.lingkup is not distinct from peringkat.lingkup
            and ejaan.ejaan = peringkat.ejaan
    group by
        ejaan.dataset,
        ejaan.level,
        ejaan.lingkup,
        ejaan.ejaan,
        ejaan.baris_gudang,
        ejaan.baris_karantina
)

select * from final
