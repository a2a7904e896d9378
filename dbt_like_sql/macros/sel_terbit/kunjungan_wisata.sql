{# Kunjungan wisata menurut kabupaten/kota dan jenis wisatawan, per bulan. #}
{% macro sel_kunjungan_wisata(jumlah) -%}
with

sel as (
    select * from {{ ref('agg_kunjungan_wisata') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

provinsi as (
    {{ provinsi() }}
),

final as (
    select
        provinsi.kode_kemendagri as kode_provinsi,
        provinsi.nama as nama_provinsi,
        wilayah.kode_kabupaten_kota,
        {{ atau_semua('coalesce(wilayah.nama_kabupaten_kota, sel.wilayah)', 'baris_total', jumlah) }} as nama_kabupaten_kota,
        {{ atau_semua('sel.jenis_wisatawan', 'kolom_total', jumlah) }} as jenis_wisatawan,
        sel.jumlah as jumlah_kunjungan,
        'kunjungan' as satuan,
        sel.tahun,
        sel.bulan,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    cross join provinsi
    left join wilayah on sel.wilayah = wilayah.kode_kemendagri
    where {{ sel_yang_terbit(jumlah) }}
)

select * from final
{%- endmacro %}
