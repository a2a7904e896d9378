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
