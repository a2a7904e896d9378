{# Yang sama pada kedua mart sebuah tabel tersamar: sel-selnya, dan (jumlah) jumlahnya ke arah baris, kolom, atau
   keseluruhan. Kedua mart satu pokok dibuat oleh satu makro di folder ini, sehingga kolomnya selalu sejalan. #}
{% macro sel_yang_terbit(jumlah) -%}
    {{ 'sel.baris_total or sel.kolom_total' if jumlah else 'not sel.baris_total and not sel.kolom_total' }}
{%- endmacro %}

{# Nilai sebuah dimensi; SEMUA pada jumlah ke arah itu. total: baris_total atau kolom_total. #}
{% macro atau_semua(nilai, total, jumlah) -%}
    {% if jumlah %}case when sel.{{ total }} then 'SEMUA' else {{ nilai }} end{% else %}{{ nilai }}{% endif %}
{%- endmacro %}
