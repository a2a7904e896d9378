{# Aduan warga menurut OPD dan kategori, per triwulan. #}
{% macro sel_aduan(jumlah) -%}
with

sel as (
    select * from {{ ref('agg_aduan') }}
),

opd as (
    select * from {{ ref('dim_opd') }}
),

provinsi as (
    {{ provinsi() }}
),

final as (
    select
        provinsi.kode_kemendagri as kode_provinsi,
        provinsi.nama as nama_provinsi,
        null::text as kode_kabupaten_kota,
        null::text as nama_kabupaten_kota,
        sel.kode_opd,
        {{ atau_semua('opd.nama', 'baris_total', jumlah) }} as nama_opd,
        {{ atau_semua('sel.kategori', 'kolom_total', jumlah) }} as kategori,
        sel.jumlah as jumlah_aduan,
        'aduan' as satuan,
        sel.tahun,
        sel.triwulan,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    cross join provinsi
    left join opd on sel.kode_opd = opd.kode_opd
    where {{ sel_yang_terbit(jumlah) }}
)

select * from final
{%- endmacro %}
