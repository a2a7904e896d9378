{# Penilaian dari satu model staging dalam bentuk fct_penilaian_indikator.
   instrumen, versi, kode_indikator, dan lingkup: ekspresi SQL atas model itu; lingkup adalah kode OPD yang dinilai, atau
   'provinsi'. jenis_penilaian: 'mandiri' bila tingkatnya ditetapkan instansi sendiri, 'resmi' bila oleh penilainya. #}
{% macro penilaian_dari(model, instrumen, versi, kode_indikator, lingkup="'provinsi'", jenis_penilaian='mandiri') -%}
    select
        {{ instrumen }} as instrumen,
        {{ versi }} as versi,
        tahun,
        {{ lingkup }} as lingkup,
        ({{ kode_indikator }})::text as kode_indikator,
        tingkat::numeric(4, 2) as tingkat,
        target::numeric(4, 2) as target,
        bukti,
        tautan_bukti,
        'penilaian' as asal,
        '{{ jenis_penilaian }}' as jenis_penilaian,
        null::text as status_konversi
    from {{ ref(model) }}
{%- endmacro %}
