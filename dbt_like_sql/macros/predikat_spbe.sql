{# Predikat indeks SPBE menurut PermenPANRB 59/2020. #}
{% macro predikat_spbe(indeks) -%}
    case
        when {{ indeks }} >= 4.2 then 'Memuaskan'
        when {{ indeks }} >= 3.5 then 'Sangat Baik'
        when {{ indeks }} >= 2.6 then 'Baik'
        when {{ indeks }} >= 1.8 then 'Cukup'
        else 'Kurang'
    end
{%- endmacro %}
