{# Keluarga DTKS menurut kecamatan dan desil, per semester. #}
{% macro sel_keluarga_dtks(jumlah) -%}
with

sel as (
    select * from {{ ref('agg_keluarga_dtks') }}
),

wilayah as (
    select * from {{ ref('dim_wilayah') }}
),

final as (
    select
        kabupaten_kota.kode_provinsi,
        kabupaten_kota.nama_provinsi,
        sel.kode_kabupaten_kota,
        kabupaten_kota.nama_kabupaten_kota,
        kecamatan.kode_kemendagri as kode_kecamatan,
        {{ atau_semua('coalesce(kecamatan.nama, sel.wilayah)', 'baris_total', jumlah) }} as nama_kecamatan,
        {{ atau_semua('sel.desil::text' if jumlah else 'sel.desil', 'kolom_total', jumlah) }} as desil,
        sel.jumlah as jumlah_keluarga,
        'keluarga' as satuan,
        sel.tahun,
        sel.semester,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    left join wilayah as kabupaten_kota on sel.kode_kabupaten_kota = kabupaten_kota.kode_kemendagri
    left join wilayah as kecamatan on sel.wilayah = kecamatan.kode_kemendagri
    where {{ sel_yang_terbit(jumlah) }}
)

select * from final
{%- endmacro %}
