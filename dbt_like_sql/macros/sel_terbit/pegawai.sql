{# Pegawai menurut OPD dan golongan, per bulan. #}
{% macro sel_pegawai(jumlah) -%}
with

sel as (
    select * from {{ ref('agg_pegawai') }}
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
        opd.nama as nama_opd,
        {{ atau_semua('sel.golongan', 'kolom_total', jumlah) }} as golongan,
        sel.jumlah as jumlah_pegawai,
        'orang' as satuan,
        sel.tahun,
        sel.bulan,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    cross join provinsi
    left join opd on sel.kode_opd = opd.kode_opd
    where {{ sel_yang_terbit(jumlah) }}
)

select * from final
{%- endmacro %}
