{# Gabungan kolom harus unik; NULL dianggap sama dengan NULL. #}
{% test unique_combination(model, columns) %}
select
    {{ columns | join(', ') }},
    count(*) as jumlah_baris
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
