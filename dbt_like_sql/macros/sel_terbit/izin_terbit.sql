{# Izin berusaha menurut kabupaten/kota dan jenis izin, per bulan. #}
{% macro sel_izin_terbit(jumlah) -%}
with

sel as (
    select * from {{ ref('agg_izin_bulanan') }}
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
        sel.kode_kabupaten_kota,
        wilayah.nama_kabupaten_kota,
        {{ atau_semua('sel.jenis_izin', 'kolom_total', jumlah) }} as jenis_izin,
        sel.jumlah as jumlah_izin,
        'izin' as satuan,
        sel.tahun,
        sel.bulan,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    cross join provinsi
    left join wilayah on sel.kode_kabupaten_kota = wilayah.kode_kemendagri
    where {{ sel_yang_terbit(jumlah) }}
)

select * from final
{%- endmacro %}
