{# Penyamaran sel kecil sebelum terbit (UU 27/2022).

   Penyamaran primer: jumlah 1 sampai di bawah ambang_samar; nol tidak menunjuk siapa pun. Penyamaran sekunder: sel lain
   yang ikut disembunyikan, agar yang primer tidak dapat dihitung kembali dari jumlah baris, kolom, dan keseluruhan.
   Caranya: setiap sel primer menjadi sudut sebuah persegi (dua baris, dua kolom) yang keempat selnya positif, dan
   keempatnya disembunyikan. Menggeser satu orang mengitari persegi itu tidak mengubah satu jumlah pun yang terbit, dan
   ke salah satu arah tidak mengosongkan sel mana pun: yang tahu bahwa nol tidak pernah disembunyikan pun tidak dapat
   memastikan isi satu sel. Jumlah baris, kolom, dan keseluruhan adalah sel juga, dengan tanda terbalik bila jumlah ke
   satu arah saja; persegi dengan ketiga jumlahnya selalu dapat digeser, dipakai bila tidak ada yang di dalam.
   Dipilih persegi dengan jumlah (total) paling sedikit, lalu dengan orang paling sedikit di sel sekundernya.
   Sumber: Hundepool dkk., Statistical Disclosure Control (Wiley, 2012), bab 4 (penyamaran sekunder); Gusfield, A Graph
   Theoretic Approach to Statistical Data Security (SIAM J. Comput. 17, 1988): sel aman bila terletak pada putaran.
   Yang terbit belum tentu yang dilindungi: kunjungan terbit, orang dilindungi. Enam kunjungan satu orang adalah sel primer.
   Karena itu pihak, bila ada, yang menentukan sel primer, dan jumlah yang terbit digeser mengitari persegi.
   Batasnya: satu tabel dua dimensi. Tabel yang berbagi jumlah (bulan dengan tahun, kecamatan dengan kota) tidak dijaga
   bersama-sama; terbitkan jumlah yang lebih tinggi hanya dari sel yang terbit. #}
{% macro tersamar(jumlah, ambang=none) -%}
    ({{ jumlah }} > 0 and {{ jumlah }} < {{ var('ambang_samar') if ambang is none else ambang }})
{%- endmacro %}

{# Semua sel satu tabel, dengan jumlahnya, sebagai query tersendiri.
   relasi: ref() atau nama CTE. tabel: kolom-kolom yang bersama menunjuk satu tabel. baris, kolom: kedua dimensi.
   jumlah: kolom banyaknya orang (atau kejadian tentang orang); baris yang sama dijumlahkan.
   pihak: kolom yang menunjuk orang, kendaraan, atau badan usaha di balik tiap baris. Bila disebut, sebuah sel disamarkan
   bila kurang dari ambang pihak yang berbeda ada di dalamnya, berapa pun jumlahnya. Pihak di sebuah jumlah dihitung
   ulang, bukan dijumlahkan: satu orang di lima kecamatan tetap satu orang. Semua baris tanpa pihak dianggap satu pihak,
   karena mungkin saja satu orang. Setiap baris relasi harus berjumlah positif.
   nilai: kolom lain tentang orang yang sama (uang), yang dijumlahkan dan disembunyikan bersama jumlah. Harus positif
   tepat bila jumlah positif: maka nilainya pun dapat digeser mengitari persegi yang sama.
   ambang: di bawah jumlah ini sebuah sel disamarkan; ambang_samar bila tidak disebut. Untuk badan usaha
   ambang_badan_usaha. Tabel tentang orang dengan ambang yang lebih kecil dari ambang_samar tidak boleh terbit.
   Kolom hasil: tabel, baris, kolom, baris_total, kolom_total (benar bila sel itu jumlah ke arah itu), jumlah dan nilai
   (kosong bila disembunyikan), disamarkan. Alasan primer dan sekunder sengaja tidak dibedakan. #}
{% macro sel_tersamar(relasi, tabel, baris, kolom, jumlah='jumlah', nilai=(), pihak=none, ambang=none) -%}
{%- set kunci = tabel | join(', ') %}
    with

    sel as (
        select
            {{ kunci }},
            {{ baris }},
            {{ kolom }},
            grouping({{ baris }}) = 1 as baris_total,
            grouping({{ kolom }}) = 1 as kolom_total,
            {%- for n in nilai %}
            sum({{ n }}) as {{ n }},
            {%- endfor %}
            {%- if pihak %}
            count(distinct {{ pihak }}) + (count(*) > count({{ pihak }}))::int as banyak_pihak,
            {%- endif %}
            sum({{ jumlah }})::bigint as jumlah
        from {{ relasi }}
        group by
            {{ kunci }},
            grouping sets (({{ baris }}, {{ kolom }}), ({{ baris }}), ({{ kolom }}), ())
    ),

    bernomor as (
        select
            sel.*,
            dense_rank() over (order by {{ kunci }}) as nomor_tabel,
            case when not baris_total then dense_rank() over (order by baris_total, {{ baris }}) end as nomor_baris,
            case when not kolom_total then dense_rank() over (order by kolom_total, {{ kolom }}) end as nomor_kolom
        from sel
    ),

    positif as materialized (
        select
            nomor_tabel,
            coalesce(nomor_baris, 0) as baris_ke,
            coalesce(nomor_kolom, 0) as kolom_ke,
            jumlah,
            {{ tersamar('banyak_pihak' if pihak else 'jumlah', ambang) }} as primer,
            baris_total or kolom_total as total,
            jumlah > 1 or baris_total = kolom_total as dapat_maju,
            jumlah > 1 or baris_total <> kolom_total as dapat_mundur
        from bernomor
        where jumlah > 0
    ),

    persegi as (
        select distinct on (a.nomor_tabel, a.baris_ke, a.kolom_ke)
            a.nomor_tabel,
            a.baris_ke,
            a.kolom_ke,
            d.baris_ke as baris_lain,
            d.kolom_ke as kolom_lain
        from positif as a
        inner join positif as b
            on a.nomor_tabel = b.nomor_tabel and a.baris_ke = b.baris_ke and a.kolom_ke <> b.kolom_ke
        inner join positif as c
            on a.nomor_tabel = c.nomor_tabel and a.kolom_ke = c.kolom_ke and a.baris_ke <> c.baris_ke
        inner join positif as d
            on a.nomor_tabel = d.nomor_tabel and c.baris_ke = d.baris_ke and b.kolom_ke = d.kolom_ke
        where
            a.primer
            and (
                a.dapat_maju and b.dapat_mundur and c.dapat_mundur and d.dapat_maju
                or a.dapat_mundur and b.dapat_maju and c.dapat_maju and d.dapat_mundur
            )
        order by
            a.nomor_tabel,
            a.baris_ke,
            a.kolom_ke,
            (b.total and not b.primer)::int + (c.total and not c.primer)::int + (d.total and not d.primer)::int,
            case when b.primer then 0 else b.jumlah end
            + case when c.primer then 0 else c.jumlah end
            + case when d.primer then 0 else d.jumlah end,
            d.baris_ke,
            d.kolom_ke
    ),

    tersembunyi as (
        select distinct
            persegi.nomor_tabel,
            sudut.baris_ke,
            sudut.kolom_ke
        from persegi
        cross join lateral (
            values
                (persegi.baris_ke, persegi.kolom_ke),
                (persegi.baris_ke, persegi.kolom_lain),
                (persegi.baris_lain, persegi.kolom_ke),
                (persegi.baris_lain, persegi.kolom_lain)
        ) as sudut (baris_ke, kolom_ke)
    )

    select
        {%- for k in tabel %}
        bernomor.{{ k }},
        {%- endfor %}
        bernomor.{{ baris }},
        bernomor.{{ kolom }},
        bernomor.baris_total,
        bernomor.kolom_total,
        case when tersembunyi.nomor_tabel is null then bernomor.jumlah end as jumlah,
        {%- for n in nilai %}
        case when tersembunyi.nomor_tabel is null then bernomor.{{ n }} end as {{ n }},
        {%- endfor %}
        tersembunyi.nomor_tabel is not null as disamarkan
    from bernomor
    left join tersembunyi
        on
            bernomor.nomor_tabel = tersembunyi.nomor_tabel
            and coalesce(bernomor.nomor_baris, 0) = tersembunyi.baris_ke
            and coalesce(bernomor.nomor_kolom, 0) = tersembunyi.kolom_ke
{%- endmacro %}

{# Untuk pembaca, mengapa jumlahnya kosong. #}
{% macro keterangan_samar(disamarkan) -%}
    case when {{ disamarkan }} then 'disamarkan' end
{%- endmacro %}
