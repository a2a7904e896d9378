{# Kunci nama badan usaha, untuk menghitung badan usaha yang berbeda: huruf besar dan angka saja, tanpa bentuk badannya
   (PT, CV, Tbk, dan lainnya). Dua nama yang serupa lebih baik dianggap satu: sel yang keliru disamarkan tidak
   membuka angka siapa pun, sel yang keliru terbit membukanya. Salah ketik di dalam nama tidak dikenali. #}
{% macro kunci_badan_usaha(kolom) -%}
    regexp_replace(
        regexp_replace(
            upper({{ kolom }}),
            '\m(PERSEROAN\s+TERBATAS|P\.?\s*T|C\.?\s*V|U\.?\s*D|T\.?\s*B\.?\s*K|PERSERO|PERUSDA|PERSERODA|PERUMDA)\M',
            '',
            'g'
        ),
        '[^A-Z0-9]+',
        '',
        'g'
    )
{%- endmacro %}
