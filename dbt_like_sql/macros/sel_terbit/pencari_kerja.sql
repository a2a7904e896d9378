{# Pencari kerja terdaftar menurut pendidikan dan jenis kelamin, per bulan. #}
{% macro sel_pencari_kerja(jumlah) -%}
with

sel as (
    select * from {{ ref('agg_pencari_kerja') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

final as (
    select
        wilayah.kode_provinsi,
        wilayah.nama_provinsi,
        sel.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        {{ atau_semua('sel.pendidikan', 'baris_total', jumlah) }} as pendidikan,
        {{ atau_semua('sel.jenis_kelamin', 'kolom_total', jumlah) }} as jenis_kelamin,
        sel.jumlah as jumlah_terdaftar,
        'orang' as satuan,
        sel.tahun,
        sel.bulan,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    left join wilayah on sel.kode_kabupaten_kota = wilayah.kode_kemendagri
    where {{ sel_yang_terbit(jumlah) }}
)

select * from final
{%- endmacro %}
