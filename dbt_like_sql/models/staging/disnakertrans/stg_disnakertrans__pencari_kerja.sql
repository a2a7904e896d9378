with

pencari_kerja as (
    select
        bulan,
        kode_wilayah,
        nama_wilayah,
        jenis_kelamin,
        pendidikan,
        kelompok_umur,
        terdaftar,
        ditempatkan
    from {{ source('disnakertrans', 'pencari_kerja') }}
),

kabupaten_kota as (
    select
        replace(kode_kemendagri, '.', '') as kode_tanpa_titik,
        kode_kemendagri
    from {{ ref('ref_wilayah') }}
    where level = 'kabupaten_kota'
),

final as (
    -- Empat angka di sini milik Kemendagri (6402 Kutai Kartanegara); rangkaian yang sama pada BPS adalah Kutai Barat.
    select
        (pencari_kerja.bulan || '-01')::date as bulan,
        kabupaten_kota.kode_kemendagri as kode_kabupaten_kota,
        pencari_kerja.nama_wilayah,
        pencari_kerja.jenis_kelamin,
        pencari_kerja.pendidikan,
        pencari_kerja.kelompok_umur,
        pencari_kerja.terdaftar,
        pencari_kerja.ditempatkan
    from pencari_kerja
    left join kabupaten_kota on pencari_kerja.kode_wilayah = kabupaten_kota.kode_tanpa_titik
)

select * from final
