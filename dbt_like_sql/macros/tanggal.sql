{# Tanggal di Kalimantan Timur (WITA) dari sebuah timestamptz: 23.30 UTC sudah hari berikutnya. #}
{% macro tanggal_wita(waktu) -%}
    ({{ waktu }} at time zone '{{ var("zona_waktu") }}')::date
{%- endmacro %}

{# Awal periode yang belum berakhir, sebagai query satu baris dengan kolom awal. Hanya periode sebelumnya yang boleh
   terbit: selisih dua malam dalam periode berjalan menunjuk satu kejadian, dan jumlahnya belum jumlah seperiode.
   Sebuah periode berakhir bila kalender WITA sudah melewatinya dan datanya sudah sampai ke ujungnya. Tanggal di masa
   depan karena salah ketik karena itu tidak mengakhiri bulan ini, dan sumber yang diam tidak mengakhiri bulannya.
   relasi: ref() atau nama CTE. kolom: ekspresi tanggal. satuan: month, quarter, year.
   cakupan: lamanya waktu yang diliput satu baris, yaitu '1 day' untuk laporan harian dan '1 month' untuk rekap bulanan;
   '0 days' untuk kejadian, yang harinya mungkin belum lengkap. #}
{% macro periode_berjalan(relasi, kolom, satuan='month', cakupan='0 days') -%}
    select
        least(
            date_trunc('{{ satuan }}', max({{ kolom }}) + interval '{{ cakupan }}'),
            date_trunc('{{ satuan }}', current_timestamp at time zone '{{ var("zona_waktu") }}')
        )::date as awal
    from {{ relasi }}
{%- endmacro %}

{# Awal bulan WITA dari sebuah timestamptz, sebagai timestamp tanpa zona. #}
{% macro awal_bulan(waktu) -%}
    date_trunc('month', {{ waktu }} at time zone '{{ var("zona_waktu") }}')
{%- endmacro %}
