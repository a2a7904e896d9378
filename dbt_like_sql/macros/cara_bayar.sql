{# Cara bayar untuk pembaca. Kode yang tidak dikenal tampil apa adanya. #}
{% macro nama_cara_bayar(kolom) -%}
    case {{ kolom }}
        when 'BPJS' then 'JKN (BPJS Kesehatan)'
        when 'UMUM' then 'Umum'
        when 'ASURANSI' then 'Asuransi lain'
        else {{ kolom }}
    end
{%- endmacro %}
