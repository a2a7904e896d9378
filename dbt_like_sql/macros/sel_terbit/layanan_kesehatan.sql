{# Kunjungan puskesmas menurut kecamatan dan cara bayar, per bulan. #}
{% macro sel_layanan_kesehatan(jumlah) -%}
with

sel as (
    select * from {{ ref('agg_kunjungan_bulanan') }}
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
        sel.kode_kecamatan,
        kecamatan.nama as nama_kecamatan,
        {{ atau_semua(nama_cara_bayar('sel.cara_bayar'), 'kolom_total', jumlah) }} as cara_bayar,
        sel.jumlah as jumlah_kunjungan,
        'kunjungan' as satuan,
        sel.tahun,
        sel.bulan,
        {{ keterangan_samar('sel.disamarkan') }} as keterangan
    from sel
    left join wilayah on sel.kode_kabupaten_kota = wilayah.kode_kemendagri
    left join wilayah as kecamatan on sel.kode_kecamatan = kecamatan.kode_kemendagri
    where {{ sel_yang_terbit(jumlah) }}
)

select * from final
{%- endmacro %}
