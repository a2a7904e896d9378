{# Sel 1 sampai di bawah ambang disamarkan (UU 27/2022); nol tidak menunjuk siapa pun. #}
{% macro tersamar(jumlah) -%}
    ({{ jumlah }} > 0 and {{ jumlah }} < {{ var('ambang_samar') }})
{%- endmacro %}

{% macro samarkan(jumlah) -%}
    case when not {{ tersamar(jumlah) }} then {{ jumlah }} end
{%- endmacro %}

{% macro keterangan_samar(jumlah) -%}
    case when {{ tersamar(jumlah) }} then 'disamarkan (<{{ var("ambang_samar") }})' end
{%- endmacro %}
