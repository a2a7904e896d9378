{# Nilai kolom berada di antara dua batas (keduanya termasuk). #}
{% test nilai_antara(model, column_name, minimum, maksimum) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} < {{ minimum }} or {{ column_name }} > {{ maksimum }}
{% endtest %}
