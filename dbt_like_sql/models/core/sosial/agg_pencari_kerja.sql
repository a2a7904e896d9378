with

pencari_kerja as (
    select * from {{ ref('stg_disnakertrans__pencari_kerja') }}
),

berjalan as (
    {{ periode_berjalan('pencari_kerja', 'pencari_kerja.bulan', cakupan='1 month') }}
),

per_bulan as (
    select
        extract(year from pencari_kerja.bulan)::integer as tahun,
        extract(month from pencari_kerja.bulan)::integer as bulan,
        pencari_kerja.kode_kabupaten_kota,
        pencari_kerja.pendidikan,
        pencari_kerja.jenis_kelamin,
        pencari_kerja.terdaftar
    from pencari_kerja
    inner join berjalan on pencari_kerja.bulan < berjalan.awal
),

final as (
    {{ sel_tersamar(
        'per_bulan',
        tabel=['tahun', 'bulan', 'kode_kabupaten_kota'],
        baris='pendidikan',
        kolom='jenis_kelamin',
        jumlah='terdaftar'
    ) | indent(4) }}
)

select * from final
