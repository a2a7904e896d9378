{# Tanggal di Kalimantan Timur (WITA) dari sebuah timestamptz: 23.30 UTC sudah hari berikutnya. #}
{% macro tanggal_wita(waktu) -%}
    ({{ waktu }} at time zone '{{ var("zona_waktu") }}')::date
{%- endmacro %}
