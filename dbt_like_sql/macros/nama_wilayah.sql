{# Setiap nama wilayah satu tingkat (resmi, lama, dan ejaan lain) dengan kodenya, untuk dicocokkan lewat kunci_nama. #}
{% macro nama_di_tingkat(level) -%}
    select
        kunci,
        kode_kabupaten_kota,
        kode_kecamatan,
        kode_kemendagri
    from {{ ref('ref_wilayah_nama') }}
    where level = '{{ level }}'
{%- endmacro %}

{# Nama wilayah satu kolom dari satu dataset yang tidak mendapat kode, dari gudang dan dari karantina; bahan
   antrean_nama_wilayah. Tidak ada nama yang dicocokkan di sini.
   dataset: opd/dataset; model staging-nya stg_<opd>__<dataset>. level: provinsi, kabupaten_kota, kecamatan, atau
   desa_kelurahan. nama: kolom ejaan (sama di kontrak dan staging). kode: kolom kode hasil pencocokan.
   lingkup: kode Kemendagri tempat nama dicari. induk: kolom kode wilayah di atasnya, bila staging mengenalnya. #}
{% macro nama_tak_dikenal(dataset, level, nama, kode, lingkup=none, induk=none) -%}
    {%- set batas = "'" ~ lingkup ~ "'::text" if lingkup else 'null::text' %}
    select
        '{{ dataset }}' as dataset,
        '{{ level }}' as level,
        {{ "coalesce(" ~ induk ~ ", " ~ batas ~ ")" if induk else batas }} as lingkup,
        {{ nama }}::text as ejaan,
        1 as baris_gudang,
        0 as baris_karantina
    from {{ ref('stg_' ~ dataset | replace('/', '__')) }}
    where {{ kode }} is null and btrim({{ nama }}) <> ''
    union all
    select
        '{{ dataset }}' as dataset,
        '{{ level }}' as level,
        {{ batas }} as lingkup,
        value as ejaan,
        0 as baris_gudang,
        1 as baris_karantina
    from {{ source('ops', 'quarantine_reason') }}
    where
        dataset = '{{ dataset }}'
        and column_name = '{{ nama }}'
        and rule = 'rujukan'
        and state = 'open'
        and btrim(value) not in ('', '***')
{%- endmacro %}
