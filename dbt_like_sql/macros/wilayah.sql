{# Kunci nama wilayah: huruf besar, tanpa awalan seperti "Kab." dan "Kel.", hanya huruf dan angka. #}
{% macro kunci_nama(kolom) -%}
    ops.kunci_nama({{ kolom }})
{%- endmacro %}

{# Tingkat wilayah menurut bentuk kode Kemendagri; ekor desa 1xxx berarti kelurahan. #}
{% macro level_wilayah(kode) -%}
    case
        when length({{ kode }}) = 2 then 'provinsi'
        when length({{ kode }}) = 5 then 'kabupaten_kota'
        when length({{ kode }}) = 8 then 'kecamatan'
        when substr({{ kode }}, 10, 1) = '1' then 'kelurahan'
        else 'desa'
    end
{%- endmacro %}

{# Kode Kemendagri kabupaten/kota yang memuat wilayah itu (atau wilayah itu sendiri). #}
{% macro kode_kabupaten_kota(kode) -%}
    case when length({{ kode }}) >= 5 then left({{ kode }}, 5) end
{%- endmacro %}

{% macro kode_kecamatan(kode) -%}
    case when length({{ kode }}) >= 8 then left({{ kode }}, 8) end
{%- endmacro %}

{# Kunci kode wilayah: sistem dan kode menjadi satu, misalnya bps:6402 dan kemendagri:64.02. Kode tanpa sistem tidak
   pernah cocok dengan kunci mana pun. Kode Kemendagri yang datang tanpa titik diberi titik (2, 2, 2, dan 4 angka).
   sistem: teks (kemendagri, bps, dapodik); kode: ekspresi SQL. #}
{% macro kunci_wilayah(sistem, kode) -%}
    '{{ sistem }}:' ||
    {%- if sistem == 'kemendagri' %} rtrim(
        regexp_replace(
            replace({{ kode }}, '.', ''),
            '^([0-9]{2})([0-9]{2})?([0-9]{2})?([0-9]{4})?$',
            '\1.\2.\3.\4'
        ),
        '.'
    )
    {%- else %} {{ kode }}
    {%- endif %}
{%- endmacro %}

{# Dapatkah padanan kode BPS dipakai resmi? Dari kode_bps_basis; nilai yang tidak dikenal perlu diperiksa. #}
{% macro keandalan_bps(basis) -%}
    case
        when {{ basis }} = 'none' then null
        when {{ basis }} = 'sig_bps_bridge_2025' then 'resmi'
        when {{ basis }} in ('name_exact_kec_mfd2016', 'name_historic_kec_mfd2016') then 'cocok nama'
        else 'perlu diperiksa'
    end
{%- endmacro %}

{# Provinsi yang datanya ada di gudang ini: satu baris, untuk data yang tidak menurut kabupaten/kota. #}
{% macro provinsi() -%}
    select
        kode_kemendagri,
        nama
    from {{ ref('dim_wilayah') }}
    where level = 'provinsi' and aktif
{%- endmacro %}
