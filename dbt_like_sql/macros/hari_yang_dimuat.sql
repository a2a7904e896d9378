{# Untuk model incremental menurut hari: hari yang datang sejak model terakhir dibangun, dan jendela yang diminta
   (backfill). Sumber harus memberi kolom dimuat_pada, dan model menyimpan nilai terbesarnya. #}
{% macro hari_yang_dimuat(sumber, kolom) -%}
    {%- if is_incremental() -%}
    where
        {{ kolom }} in (
            select baru.{{ kolom }}
            from {{ sumber }} as baru
            where baru.dimuat_pada > (select coalesce(max(lama.dimuat_pada), '-infinity') from {{ this }} as lama)
        )
        {%- if var('window_start', none) is not none %}
        or {{ kolom }} between '{{ var('window_start') }}' and '{{ var('window_end') }}'
        {%- endif %}
    {%- endif -%}
{%- endmacro %}
