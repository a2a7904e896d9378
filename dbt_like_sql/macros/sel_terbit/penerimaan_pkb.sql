{# Kendaraan dan penerimaan PKB menurut kabupaten/kota dan jenis kendaraan, per bulan. #}
{% macro sel_penerimaan_pkb(jumlah) -%}
with

sel as (
    select * from {{ ref('agg_penerimaan_pkb') }}
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
        {{ atau_semua('sel.jenis_kendaraan', 'kolom_total', jumlah) }} as jenis_kendaraan,
        sel.jumlah as jumlah_kendaraan,
        sel.penerimaan,
        'rupiah' as satuan,
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
