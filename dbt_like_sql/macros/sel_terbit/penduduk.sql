{# Penduduk menurut kelurahan dan jenis kelamin, per tahun. #}
{% macro sel_penduduk(jumlah) -%}
with

sel as (
    select * from {{ ref('agg_penduduk_kelurahan') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

final as (
    select
        wilayah.kode_provinsi,
        wilayah.nama_provinsi,
        wilayah.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        wilayah.kode_kecamatan,
        wilayah.nama_kecamatan,
        sel.kode_desa_kelurahan,
        kelurahan.nama as nama_desa_kelurahan,
        {{ atau_semua('sel.jenis_kelamin', 'kolom_total', jumlah) }} as jenis_kelamin,
        sel.jumlah,
        'jiwa' as satuan,
        sel.tahun,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    left join wilayah on sel.kode_kecamatan = wilayah.kode_kemendagri
    left join wilayah as kelurahan on sel.kode_desa_kelurahan = kelurahan.kode_kemendagri
    where {{ sel_yang_terbit(jumlah) }}
)

select * from final
{%- endmacro %}
