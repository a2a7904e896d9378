-- A warehouse as version 0.0 left it, before migrations were numbered: pg_dump --format=plain --no-owner --inserts of
-- four small datasets (made-up rows) with a quarantined row, pseudonyms and their originals, an upload, versions, and a
-- foreign view and grants. Read by test_migrations.py; never edited.

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA core;
CREATE SCHEMA landing;
CREATE SCHEMA mart_satu_data;
CREATE SCHEMA mart_spbe;
CREATE SCHEMA ops;
CREATE SCHEMA pribadi;
CREATE SCHEMA quarantine;
CREATE SCHEMA raw;
CREATE SCHEMA staging;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA ops;
COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';
CREATE FUNCTION ops.angka_panjang(t text, indonesia boolean) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
    s text;
    word text;
    factor numeric := 1;
    negative boolean := false;
    signed boolean := false;
begin
    if length(t) > 100 then return t; end if;
    s := upper(ops.rapi(t));
    if s in ('', '-', '--') then return null; end if;
    -- Brackets, a sign and the currency, in any order, each once.
    for i in 1..3 loop
        if s like '(%)' and not signed then s := btrim(substr(s, 2, length(s) - 2)); negative := true; signed := true;
        elsif (s like '-%' or s like '+%') and not signed then negative := s like '-%'; s := ltrim(substr(s, 2)); signed := true;
        elsif s like 'RP%' then s := ltrim(substr(s, case when s like 'RP.%' then 4 else 3 end));
        elsif s like 'IDR%' then s := ltrim(substr(s, 4));
        end if;
    end loop;
    if s like '%,-' or s like '%.-' then s := left(s, -2); elsif s like '%,--' then s := left(s, -3); end if;
    if s like '%E%' then
        -- A power of ten has no thousands.
        if s !~ '^[0-9]+([.,][0-9]+)?E[-+]?[0-9]{1,2}$' then return t; end if;
        s := (replace(s, ',', '.')::numeric)::text;
        return case when negative then '-' || s else s end;
    end if;
    word := ltrim(s, '0123456789., ');
    if word <> '' then
        -- M and T are miliar and triliun to us, million and thousand to others.
        factor := case
            when word in ('RB', 'RIBU') then 1e3 when word in ('JT', 'JUTA') then 1e6
            when word in ('MILIAR', 'MILYAR') or word = 'M' and indonesia then 1e9
            when word in ('TRILIUN', 'TRILYUN') or word = 'T' and indonesia then 1e12
        end;
        if factor is null then return t; end if;
        s := rtrim(left(s, -length(word)));
    end if;
    if s ~ '^[1-9][0-9]{0,2}(?: [0-9]{3})+(?:[.,][0-9]+)?$' then
        -- Blanks part the thousands (ISO 80000-1, 7.3.1), so either mark is the decimal one.
        s := replace(replace(s, ' ', ''), ',', '.');
    else
        -- English is the same with the two marks exchanged.
        if not indonesia then s := translate(s, '.,', ',.'); end if;
        if s ~ '^-?(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?$' or s ~ '^,[0-9]+$' then
            s := replace(replace(s, '.', ''), ',', '.');
        elsif s ~ '^[1-9][0-9]{0,2}((,[0-9]{3})+\.[0-9]+|(,[0-9]{3}){2,})$' then
            s := replace(s, ',', '');
        elsif s !~ '^[0-9]*\.[0-9]+$' then
            return t;
        end if;
    end if;
    if factor <> 1 then s := trim_scale(s::numeric * factor)::text; end if;
    return case when negative then '-' || s else s end;
end $_$;
CREATE FUNCTION ops.angka_en(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^[-+]?[0-9]+(?:\.[0-9]+)?$'::text) THEN t WHEN (t ~ '^-?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?$'::text) THEN replace(t, ','::text, ''::text) ELSE ops.angka_panjang(t, false) END;
CREATE FUNCTION ops.angka_id(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^[-+]?[0-9]+(?:\.[0-9][0-9]?)?$'::text) THEN t WHEN (t ~ '^-?(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?$'::text) THEN replace(replace(t, '.'::text, ''::text), ','::text, '.'::text) ELSE ops.angka_panjang(t, true) END;
CREATE FUNCTION ops.bentuk_polos(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (octet_length(t) <> char_length(t)) THEN translate(NORMALIZE(t, NFKC), '‐‑‒–—―−	
٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹­​‌‍‎‏⁠﻿'::text, '-------       01234567890123456789'::text) WHEN (starts_with(t, '\x'::text) AND (t ~ '^\\x(?:[0-9a-f][0-9a-f])+$'::text)) THEN translate(regexp_replace(encode(decode(substr(t, 3), 'hex'::text), 'escape'::text), '\\[0-7][0-7][0-7]'::text, ''::text, 'g'::text), '	
'::text, '       '::text) WHEN (t ~ '[	-
]'::text) THEN translate(t, '	
'::text, '       '::text) ELSE t END;
CREATE FUNCTION ops.berbentuk_nik(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (octet_length(t) < 16) THEN false WHEN (translate(ops.bentuk_polos(t), ' /_:|.,;-'::text, ''::text) ~ '[0-9]{16}'::text) THEN (ops.bentuk_polos(t) ~ '(?:^|[^0-9.]|^[.]|[^0][.])(?:(?:1[1-9]|21|3[1-6]|5[1-3]|6[1-5]|7[1-6]|8[12]|9[1-69])[ /_:|.,;-]{0,3}(?:0[1-9]|[1-9][0-9])[ /_:|.,;-]{0,3}(?:0[1-9]|[1-9][0-9])[ /_:|.,;-]{0,3}(?:(?:0[1-9]|[12][0-9]|4[1-9]|[56][0-9])(?:0[1-9]|1[0-2])|[37]0(?:0[13-9]|1[0-2])|[37]1(?:0[13578]|1[02]))[0-9][0-9][ /_:|.,;-]{0,3}[0-9]{4}|(?:1[1-9]|21|3[1-6]|5[1-3]|6[1-5]|7[1-6]|8[12]|9[1-69])(?:0[1-9]|[1-9][0-9])[ /_:|-]{0,3}(?:0[1-9]|[1-9][0-9])(?:(?:0[1-9]|[12][0-9]|4[1-9]|[56][0-9])[ /_:|-]{0,3}(?:0[1-9]|1[0-2])|[37]0[ /_:|-]{0,3}(?:0[13-9]|1[0-2])|[37]1[ /_:|-]{0,3}(?:0[13578]|1[02]))[0-9][0-9][ /_:|-]{0,3}[0-9]{4}|(?:1[ /_:|-]{0,3}[1-9]|2[ /_:|-]{0,3}1|3[ /_:|-]{0,3}[1-6]|5[ /_:|-]{0,3}[1-3]|6[ /_:|-]{0,3}[1-5]|7[ /_:|-]{0,3}[1-6]|8[ /_:|-]{0,3}[12]|9[ /_:|-]{0,3}[1-69])[ /_:|-]{0,3}(?:0[ /_:|-]{0,3}[1-9]|[1-9][ /_:|-]{0,3}[0-9])[ /_:|-]{0,3}(?:0[ /_:|-]{0,3}[1-9]|[1-9][ /_:|-]{0,3}[0-9])[ /_:|-]{0,3}(?:(?:0[ /_:|-]{0,3}[1-9]|[12][ /_:|-]{0,3}[0-9]|4[ /_:|-]{0,3}[1-9]|[56][ /_:|-]{0,3}[0-9])[ /_:|-]{0,3}(?:0[ /_:|-]{0,3}[1-9]|1[ /_:|-]{0,3}[0-2])|[37][ /_:|-]{0,3}0[ /_:|-]{0,3}(?:0[ /_:|-]{0,3}[13-9]|1[ /_:|-]{0,3}[0-2])|[37][ /_:|-]{0,3}1[ /_:|-]{0,3}(?:0[ /_:|-]{0,3}[13578]|1[ /_:|-]{0,3}[02]))[ /_:|-]{0,3}[0-9][ /_:|-]{0,3}[0-9][ /_:|-]{0,3}0[ /_:|-]{0,3}[0-9][ /_:|-]{0,3}[0-9][ /_:|-]{0,3}[0-9]|(?:1(?: ?[.] ?)?[1-9]|2(?: ?[.] ?)?1|3(?: ?[.] ?)?[1-6]|5(?: ?[.] ?)?[1-3]|6(?: ?[.] ?)?[1-5]|7(?: ?[.] ?)?[1-6]|8(?: ?[.] ?)?[12]|9(?: ?[.] ?)?[1-69])(?: ?[.] ?)?(?:0(?: ?[.] ?)?[1-9]|[1-9](?: ?[.] ?)?[0-9])(?: ?[.] ?)?(?:0(?: ?[.] ?)?[1-9]|[1-9](?: ?[.] ?)?[0-9])(?: ?[.] ?)?(?:(?:0(?: ?[.] ?)?[1-9]|[12](?: ?[.] ?)?[0-9]|4(?: ?[.] ?)?[1-9]|[56](?: ?[.] ?)?[0-9])(?: ?[.] ?)?(?:0(?: ?[.] ?)?[1-9]|1(?: ?[.] ?)?[0-2])|[37](?: ?[.] ?)?0(?: ?[.] ?)?(?:0(?: ?[.] ?)?[13-9]|1(?: ?[.] ?)?[0-2])|[37](?: ?[.] ?)?1(?: ?[.] ?)?(?:0(?: ?[.] ?)?[13578]|1(?: ?[.] ?)?[02]))(?: ?[.] ?)?[0-9](?: ?[.] ?)?[0-9](?: ?[.] ?)?0(?: ?[.] ?)?[0-9](?: ?[.] ?)?[0-9](?: ?[.] ?)?[0-9]|(?:1(?: ?[,;] ?)?[1-9]|2(?: ?[,;] ?)?1|3(?: ?[,;] ?)?[1-6]|5(?: ?[,;] ?)?[1-3]|6(?: ?[,;] ?)?[1-5]|7(?: ?[,;] ?)?[1-6]|8(?: ?[,;] ?)?[12]|9(?: ?[,;] ?)?[1-69])(?: ?[,;] ?)?(?:0(?: ?[,;] ?)?[1-9]|[1-9](?: ?[,;] ?)?[0-9])(?: ?[,;] ?)?(?:0(?: ?[,;] ?)?[1-9]|[1-9](?: ?[,;] ?)?[0-9])(?: ?[,;] ?)?(?:(?:0(?: ?[,;] ?)?[1-9]|[12](?: ?[,;] ?)?[0-9]|4(?: ?[,;] ?)?[1-9]|[56](?: ?[,;] ?)?[0-9])(?: ?[,;] ?)?(?:0(?: ?[,;] ?)?[1-9]|1(?: ?[,;] ?)?[0-2])|[37](?: ?[,;] ?)?0(?: ?[,;] ?)?(?:0(?: ?[,;] ?)?[13-9]|1(?: ?[,;] ?)?[0-2])|[37](?: ?[,;] ?)?1(?: ?[,;] ?)?(?:0(?: ?[,;] ?)?[13578]|1(?: ?[,;] ?)?[02]))(?: ?[,;] ?)?[0-9](?: ?[,;] ?)?[0-9](?: ?[,;] ?)?0(?: ?[,;] ?)?[0-9](?: ?[,;] ?)?[0-9](?: ?[,;] ?)?[0-9])(?:$|[^0-9])'::text) ELSE false END;
CREATE FUNCTION ops.berbentuk_nik_terbagi(a text, b text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((octet_length(a) <= 60) AND (octet_length(b) <= 60) AND (a !~ '[^0-9 /_:|.,-]'::text) AND (b !~ '[^0-9 /_:|.,-]'::text) AND ("left"(translate(a, '.- '::text, ''::text), 4) <> "left"(translate(b, '.- '::text, ''::text), 4)) AND (a !~ '^[1-9][0-9]([.][0-9][0-9]){1,2}([.][0-9]{4})?$'::text) AND (NOT ops.berbentuk_nik(a)) AND (NOT ops.berbentuk_nik(b)) AND ops.berbentuk_nik(((a || ' '::text) || b)));
CREATE FUNCTION ops.berbentuk_nip(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (octet_length(t) < 18) THEN false WHEN (translate(ops.bentuk_polos(t), ' /_:|.,;-'::text, ''::text) ~ '[0-9]{18}'::text) THEN (ops.bentuk_polos(t) ~ '(?:^|[^0-9.]|^[.]|[^0][.])(?:1[ /_:|.,;-]{0,3}9|2[ /_:|.,;-]{0,3}0)[ /_:|.,;-]{0,3}[0-9][ /_:|.,;-]{0,3}[0-9][ /_:|.,;-]{0,3}(?:0[ /_:|.,;-]{0,3}[1-9]|1[ /_:|.,;-]{0,3}[0-2])[ /_:|.,;-]{0,3}(?:0[ /_:|.,;-]{0,3}[1-9]|[12][ /_:|.,;-]{0,3}[0-9]|3[ /_:|.,;-]{0,3}[01])[ /_:|.,;-]{0,3}(?:1[ /_:|.,;-]{0,3}9|2[ /_:|.,;-]{0,3}0)[ /_:|.,;-]{0,3}[0-9][ /_:|.,;-]{0,3}[0-9][ /_:|.,;-]{0,3}(?:0[ /_:|.,;-]{0,3}[1-9]|1[ /_:|.,;-]{0,3}[0-2]|2[ /_:|.,;-]{0,3}[1-9]|3[ /_:|.,;-]{0,3}[0-2])[ /_:|.,;-]{0,3}[12][ /_:|.,;-]{0,3}(?:[1-9][ /_:|.,;-]{0,3}[0-9][ /_:|.,;-]{0,3}[0-9]|0[ /_:|.,;-]{0,3}[1-9][ /_:|.,;-]{0,3}[0-9]|0[ /_:|.,;-]{0,3}0[ /_:|.,;-]{0,3}[1-9])(?:$|[^0-9])'::text) ELSE false END;
CREATE FUNCTION ops.berbentuk_ponsel(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (octet_length(t) < 10) THEN false WHEN (translate(ops.bentuk_polos(t), ' /_:|.,;-'::text, ''::text) ~ '8[1-9][0-9]{7}'::text) THEN (ops.bentuk_polos(t) ~ '(?:^|[^0-9.,]|^[.,]|[^0-9][.,])(?:[+]?62[ -]{0,2}|0)8[1-9](?:[ .-]{0,2}[0-9]){7,10}(?:$|[^0-9])'::text) ELSE false END;
CREATE FUNCTION ops.berbentuk_rekening(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (octet_length(t) < 12) THEN false WHEN (translate(ops.bentuk_polos(t), ' /_:|.,;-'::text, ''::text) ~ '[0-9]{9}'::text) THEN (ops.bentuk_polos(t) ~ '(?i)(?:^|[^a-z])(?:rekening|rek|norek|bank|bri|bni|bca|bsi|btn|bpd)(?:[^a-z0-9][^0-9]{0,19})?[0-9](?:[ -]?[0-9]){8,15}(?:$|[^0-9.])'::text) ELSE false END;
CREATE FUNCTION ops.berbentuk_surel(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (octet_length(t) < 5) THEN false WHEN (translate(ops.bentuk_polos(t), ' /_:|.,;-'::text, ''::text) ~ '@'::text) THEN (ops.bentuk_polos(t) ~ '[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:[.][A-Za-z0-9-]{1,63})+'::text) ELSE false END;
CREATE FUNCTION ops.bilangan_bulat(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^[-+]?[0-9]+$'::text) THEN t WHEN ((t ~ '^ *[-+]?[0-9]+(?:\.0+)? *$'::text) AND (t !~ '^ *[-+]?[1-9][0-9]{0,2}\.000 *$'::text)) THEN split_part(btrim(t), '.'::text, 1) ELSE t END;
CREATE FUNCTION ops.rapi(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^[ -~]*$'::text) THEN btrim(t) ELSE btrim(translate(t, '	
             　‐‑‒–—−­​‌‍‎‏⁠﻿'::text, '                   ------'::text)) END;
CREATE FUNCTION ops.klasifikasi(t text, known jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN COALESCE((known ->> t), (known ->> lower(regexp_replace(ops.rapi(t), ' {2,}'::text, ' '::text, 'g'::text))), t);
CREATE FUNCTION ops.boolean_id(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t = ANY (ARRAY['true'::text, 'false'::text])) THEN t WHEN (btrim(t) = ANY (ARRAY['t'::text, 'f'::text, 'F'::text])) THEN t ELSE NULLIF(ops.klasifikasi(t, '{"": "", "0": "false", "1": "true", "n": "false", "t": "false", "v": "true", "y": "true", "no": "false", "ya": "true", "ada": "true", "iya": "true", "tdk": "false", "yes": "true", "√": "true", "✓": "true", "✔": "true", "true": "true", "aktif": "true", "belum": "false", "benar": "true", "betul": "true", "false": "false", "salah": "false", "sudah": "true", "tidak": "false", "tidak ada": "false", "tidak aktif": "false", "tidak benar": "false"}'::jsonb), ''::text) END;
CREATE FUNCTION ops.bulatkan(t text, digits integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((t ~ '^[-+]?[0-9]+$'::text) OR (octet_length(t) > 1000)) THEN t WHEN (t !~ '^ *[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})? *$'::text) THEN t WHEN (scale(trim_scale((t)::numeric)) > digits) THEN (round((t)::numeric, digits))::text ELSE t END;
CREATE FUNCTION ops.catatan_kaki(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '[0-9]$'::text) THEN t ELSE regexp_replace(t, '(?:[ \u00a0]*[*†‡]+[ \u00a0]*\)?|(?:(?<=[0-9*])|[ \u00a0]+)[⁰¹²³⁴⁵⁶⁷⁸⁹]+\)?|(?<=[0-9])[ \u00a0]*[rx]\))[ \u00a0]*$'::text, ''::text) END;
CREATE FUNCTION ops.cek_email(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((t ~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+$'::text) AND (char_length(t) <= 254));
CREATE FUNCTION ops.cek_kode_bps(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (t ~ '^[1-9][0-9](?:[0-9]{2}(?:[0-9]{3}(?:[0-9]{3})?)?)?$'::text);
CREATE FUNCTION ops.cek_kode_kemendagri(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (t ~ '^[1-9][0-9](?:\.[0-9]{2}(?:\.[0-9]{2}(?:\.[123][0-9]{3})?)?|[0-9]{2}(?:[0-9]{2}(?:[123][0-9]{3})?)?)?$'::text);
CREATE FUNCTION ops.cek_kode_pos(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (t ~ '^[1-9][0-9]{4}$'::text);
CREATE FUNCTION ops.cek_nib(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((t ~ '^[0-9]{13}$'::text) AND (t <> repeat("left"(t, 1), 13)));
CREATE FUNCTION ops.cek_nik(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((t ~ '^[1-9][0-9](?:0[1-9]|[1-9][0-9]){2}(?:0[1-9]|[12][0-9]|3[01]|4[1-9]|[56][0-9]|7[01])(?:0[1-9]|1[0-2])[0-9]{6}$'::text) AND ("right"(t, 4) <> '0000'::text) AND (t <> repeat("left"(t, 1), 16)));
CREATE FUNCTION ops.cek_nip(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((t ~ '^(?:19|20)[0-9]{2}(?:(?:0[1-9]|1[0-2])(?:0[1-9]|1[0-9]|2[0-8])|(?:0[1-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31)(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2]|2[1-9])[12][0-9]{3}$'::text) AND (substr(t, 5, 4) <> '0230'::text) AND ("right"(t, 3) <> '000'::text));
CREATE FUNCTION ops.cek_npsn(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (t ~ '^[1-9A-Z][0-9]{7}$'::text);
CREATE FUNCTION ops.cek_npwp(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((t ~ '^(?:[0-9]{15,16}|[0-9]{2}\.[0-9]{3}\.[0-9]{3}\.[0-9]-[0-9]{3}\.[0-9]{3})$'::text) AND (t !~ '^[0.-]+$'::text));
CREATE FUNCTION ops.cek_plat_nomor(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (t ~ '^[A-Z]{1,2} ?[1-9][0-9]{0,3} ?[A-Z]{0,3}$'::text);
CREATE FUNCTION ops.cek_telepon(t text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((t ~ '^(?:\+?62|\(?0)[- .()]*[1-9][- .()0-9]*$'::text) AND ((char_length(translate(t, '+-. ()'::text, ''::text)) >= 8) AND (char_length(translate(t, '+-. ()'::text, ''::text)) <= 15)));
CREATE FUNCTION ops.huruf_besar(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN upper(btrim(t));
CREATE FUNCTION ops.kemiripan(a text, b text) RETURNS real
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ops.similarity(a, b);
CREATE FUNCTION ops.kira_kira(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^[0-9]'::text) THEN t ELSE regexp_replace(t, '^[ \u00a0]*(?:[±~≈]|\+/-|kurang lebih|sekitar|kira-kira|ca\.)[ \u00a0]*(?=[0-9])'::text, ''::text, 'i'::text) END;
CREATE FUNCTION ops.kode(t text, length integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((char_length(t) < length) AND (t ~ '^[0-9]+$'::text)) THEN lpad(t, length, '0'::text) ELSE t END;
CREATE FUNCTION ops.koordinat_panjang(t text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
    s text;
    half text;
    part text[];
    value numeric;
begin
    if length(t) > 100 then return t; end if;
    s := replace(upper(ops.rapi(t)), ',', '.');
    if s in ('', '-') or s ~ '^[-+]?[0-9]+(\.0*)?$' then return null; end if;
    if s ~ '^[-+]?[0-9]*\.[0-9]+$' then return s; end if;
    -- Degrees, minutes, seconds, of which only the last may have decimals; then the hemisphere.
    if s !~ ('^-?[0-9]{1,3}([°º˚ ] *[0-9]{1,2}([''’′ ] *[0-9]{1,2})?|[°º˚ ] *[0-9]{1,2}[''’′ ] *[0-9]{1,2}\.[0-9]+|[°º˚ ] *[0-9]{1,2}\.[0-9]+|\.[0-9]+)?'
             ' *[°º˚''’′"”″]{0,2} *(LU|LS|BT|BB|N|S|E|W)?$')
    then return t; end if;
    half := ltrim(s, '-0123456789.°º˚''’′"”″ ');
    -- Without hemisphere or sign nobody knows which half it is; with both, they may disagree.
    if (half = '') = (s not like '-%') then return t; end if;
    part := array_remove(string_to_array(translate(s, '-°º˚''’′"”″ULSBTNEW', rpad('', 18)), ' '), '');
    if part[2] is null and part[1] not like '%.%' then return null; end if;
    if part[2]::numeric >= 60 or part[3]::numeric >= 60 then return t; end if;
    value := part[1]::numeric + coalesce(part[2]::numeric / 60, 0) + coalesce(part[3]::numeric / 3600, 0);
    return trim_scale(round(case when half in ('', 'LS', 'S', 'BB', 'W') then -value else value end, 7))::text;
end $_$;
CREATE FUNCTION ops.koordinat(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^-?[0-9]+\.[0-9]*[1-9][0-9]*$'::text) THEN t ELSE ops.koordinat_panjang(t) END;
CREATE FUNCTION ops.kunci_nama(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace(regexp_replace(regexp_replace(upper(btrim(regexp_replace(t, '[\s\u00a0]+'::text, ' '::text, 'g'::text))), '\s*\((KAB|KABUPATEN|KOTA|PROV|PROVINSI)\.?\)$'::text, ''::text), '^((PROVINSI|KABUPATEN|KOTA|KECAMATAN|KELURAHAN|DESA)\s+|(PROV|PROP|KAB|KEC|KEL)(\.\s*|\s+))+'::text, ''::text), '[^A-Z0-9]+'::text, ''::text, 'g'::text);
CREATE FUNCTION ops.kunci_ringkas(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (octet_length(t) <= 1000) THEN t ELSE (("left"(t, 200) || '... '::text) || md5(t)) END;
CREATE FUNCTION ops.mikrodetik(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((octet_length(t) <= 19) OR (t !~~ '%._______%'::text) OR (octet_length(t) > 1000)) THEN t ELSE regexp_replace(t, '(\.[0-9]{6})[0-9]+'::text, '\1'::text) END;
CREATE FUNCTION ops.mojibake_panjang(t text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
    -- What Windows-1252 shows for the bytes 80 to 9F, back as those bytes.
    s text := translate(
        t, '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ',
        E'\u0080\u0082\u0083\u0084\u0085\u0086\u0087\u0088\u0089\u008a\u008b\u008c\u008e\u0091\u0092\u0093\u0094\u0095'
        '\u0096\u0097\u0098\u0099\u009a\u009b\u009c\u009e\u009f'
    );
begin
    -- Well-formed UTF-8 (Unicode standard, table 3-7) all through: else the round trip would not be exact.
    if s ~ ('^(?:[\u0001-\u007f]|[\u00c2-\u00df][\u0080-\u00bf]|\u00e0[\u00a0-\u00bf][\u0080-\u00bf]'
            '|[\u00e1-\u00ec\u00ee\u00ef][\u0080-\u00bf]{2}|\u00ed[\u0080-\u009f][\u0080-\u00bf]'
            '|\u00f0[\u0090-\u00bf][\u0080-\u00bf]{2}|[\u00f1-\u00f3][\u0080-\u00bf]{3}|\u00f4[\u0080-\u008f][\u0080-\u00bf]{2})*$')
    then return convert_from(convert_to(s, 'LATIN1'), 'UTF8');
    end if;
    return t;
end $_$;
CREATE FUNCTION ops.mojibake(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '[\u00c2-\u00f4][\u0080-\u2122]'::text) THEN ops.mojibake_panjang(t) ELSE t END;
CREATE FUNCTION ops.persen_panjang(t text, factor numeric) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
    s text;
    number text;
begin
    if length(t) > 100 then return t; end if;
    s := lower(ops.rapi(t));
    if s not like '%\%' and s not like '%persen' then return ops.angka_id(t); end if;
    number := ops.angka_id(btrim(case when s like '%\%' then left(s, -1) else left(s, -6) end));
    if number is null or number !~ '^[-+]?[0-9]*\.?[0-9]+$' then return t; end if;
    return trim_scale(number::numeric * factor)::text;
end $_$;
CREATE FUNCTION ops.persen(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^[-+]?[0-9]+(?:\.[0-9][0-9]?)?$'::text) THEN t ELSE ops.persen_panjang(t, (1)::numeric) END;
CREATE FUNCTION ops.persen_pecahan(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^[-+]?[0-9]+(?:\.[0-9][0-9]?)?$'::text) THEN t ELSE ops.persen_panjang(t, 0.01) END;
CREATE FUNCTION ops.petik_excel(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^''[0-9+-]'::text) THEN substr(t, 2) WHEN (t ~ '^="(?:[^"]|"")*"$'::text) THEN NULLIF(replace(substr(t, 3, (char_length(t) - 3)), '""'::text, '"'::text), ''::text) ELSE t END;
CREATE FUNCTION ops.pseudonim(t text, purpose text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN encode(sha256((decode(current_setting(('gudang.opad_'::text || purpose)), 'hex'::text) || sha256((decode(current_setting(('gudang.ipad_'::text || purpose)), 'hex'::text) || convert_to(((purpose || chr(31)) || t), 'UTF8'::name))))), 'hex'::text);
CREATE FUNCTION ops.satuan_panjang(t text, factors jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
    s text;
    number text;
    unit text;
    word text;
begin
    if length(t) > 100 then return t; end if;
    s := lower(ops.rapi(t));
    unit := ltrim(s, '+-()0123456789., ');
    if unit = '' then return ops.angka_id(t); end if;
    number := rtrim(left(s, -length(unit)));
    word := split_part(unit, ' ', 1);
    if word in ('rb', 'ribu', 'jt', 'juta', 'miliar', 'milyar', 'triliun', 'trilyun') then
        number := number || ' ' || word;
        unit := ltrim(substr(unit, length(word) + 1));
    end if;
    unit := rtrim(unit, '.');
    if factors -> unit is null then return t; end if;
    number := ops.angka_id(number);
    if number is null or number !~ '^[-+]?[0-9]*\.?[0-9]+$' then return t; end if;
    return trim_scale(number::numeric * (factors ->> unit)::numeric)::text;
end $_$;
CREATE FUNCTION ops.satuan(t text, factors jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^[-+]?[0-9]+(?:\.[0-9][0-9]?)?$'::text) THEN t ELSE ops.satuan_panjang(t, factors) END;
CREATE FUNCTION ops.serial_excel_panjang(t text, origin date) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
declare
    serial numeric := t::numeric;
    days int := floor(serial)::int;
    seconds int := round((serial - floor(serial)) * 86400)::int;
begin
    -- 1900 to 2100 look like years. 60 is 29 February 1900, which never was: Lotus 1-2-3's fault, kept by Excel
    -- (ECMA-376 part 1, 18.17.4.1); the days before it are one nearer to the origin.
    if days between 1900 and 2100 or days < 1 or days > 2957003 then return t; end if;
    if origin < '1900-01-01' then
        if days = 60 then return t; end if;
        if days < 60 then days := days + 1; end if;
    end if;
    if serial = floor(serial) then return to_char(origin + days, 'YYYY-MM-DD'); end if;
    return to_char(origin + days + make_interval(secs => seconds), 'YYYY-MM-DD HH24:MI:SS');
end $$;
CREATE FUNCTION ops.serial_excel(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^[0-9]{1,7}(?:\.[0-9]{1,20})?$'::text) THEN ops.serial_excel_panjang(t, '1899-12-30'::date) ELSE t END;
CREATE FUNCTION ops.serial_excel_1904(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^[0-9]{1,7}(?:\.[0-9]{1,20})?$'::text) THEN ops.serial_excel_panjang(t, '1904-01-01'::date) ELSE t END;
CREATE FUNCTION ops.tanggal_id_panjang(t text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
    days constant text := '^(senin|selasa|rabu|kamis|jum[''’]?at|sabtu|minggu|ahad|(mon|tues|wednes|thurs|fri|satur|sun)day)[ ,]+';
    shape constant text := '^([0-9]{1,2} *[-/.] *[0-9]{1,2} *[-/.] *([0-9]{4}|[0-9]{2})'
        '|[0-9]{1,2}[-/., ]+[a-z]{3,9}[-/., ]+([0-9]{4}|[0-9]{2})|[a-z]{3,9}\.? +[0-9]{1,2},? +[0-9]{4}'
        '|[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2})'
        '((,? *(pukul|jam|pkl\.?))?,? +([01]?[0-9]|2[0-3])[.:][0-5][0-9]([.:][0-5][0-9])?( +wita)?)?$';
    s text;
    part text[];
    day text;
    month text;
    year text;
begin
    if length(t) > 100 then return t; end if;
    s := lower(ops.rapi(t));
    if s = '' then return null; end if;
    if ascii(s) > 96 then s := regexp_replace(s, days, ''); end if;
    if s ~ '^[0-9]{1,2}([-/., ]+[a-z]{3,9}[-/., ]+| *[-/.] *[0-9]{1,2} *[-/.] *)[0-9]{4}$' then
        part[1] := rtrim(left(s, 2), '-/., ');
        part[2] := btrim(substr(s, length(part[1]) + 1, length(s) - length(part[1]) - 4), '-/., ');
        part[3] := right(s, 4);
    elsif s ~ shape then
        s := replace(replace(replace(s, 'pukul', ''), 'jam', ''), 'pkl', '');
        part := array_remove(string_to_array(translate(s, '/.,-:', '     '), ' '), '');
    else
        return t;
    end if;
    if length(part[1]) = 4 and ascii(part[1]) < 97 then year := part[1]; month := part[2]; day := part[3];
    elsif ascii(part[1]) > 96 then year := part[3]; month := part[1]; day := part[2];
    else year := part[3]; month := part[2]; day := part[1];
    end if;
    month := coalesce('{"jan":1,"januari":1,"january":1,"feb":2,"februari":2,"february":2,"peb":2,"pebruari":2,
        "mar":3,"maret":3,"mrt":3,"march":3,"apr":4,"april":4,"mei":5,"may":5,"jun":6,"juni":6,"june":6,"jul":7,"juli":7,
        "july":7,"agu":8,"ags":8,"agt":8,"agust":8,"agustus":8,"aug":8,"august":8,"sep":9,"sept":9,"september":9,
        "okt":10,"oct":10,"oktober":10,"october":10,"nov":11,"nop":11,"november":11,"nopember":11,
        "des":12,"dec":12,"desember":12,"december":12}'::jsonb ->> month, month);
    -- Two digits: 37 to 99 are 1937 to 1999, 00 to 36 are 2000 to 2036. Fixed, so that a file reads the same in ten years.
    if length(year) = 2 then year := case when year <= '36' then '20' else '19' end || year; end if;
    s := year || '-' || lpad(month, 2, '0') || '-' || lpad(day, 2, '0');
    if not pg_input_is_valid(s, 'date') then return t; end if;
    return s || coalesce(' ' || lpad(part[4], 2, '0') || ':' || part[5], '') || coalesce(':' || nullif(part[6], 'wita'), '');
end $_$;
CREATE FUNCTION ops.tanggal_id(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~~ '____-__-__'::text) THEN t WHEN (t ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:'::text) THEN t WHEN (t ~ '^(?:(?:0[1-9]|1[0-9]|2[0-8])[-/](?:0[1-9]|1[0-2])|(?:29|30)[-/](?:0[13-9]|1[0-2])|31[-/](?:0[13578]|1[02]))[-/][12][0-9]{3}$'::text) THEN (((("right"(t, 4) || '-'::text) || substr(t, 4, 2)) || '-'::text) || "left"(t, 2)) ELSE ops.tanggal_id_panjang(t) END;
CREATE FUNCTION ops.tanggal_nol(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^(?:0000[-/]00[-/]00|00[-/]00[-/]0000)'::text) THEN NULL::text ELSE t END;
CREATE FUNCTION ops.tanggal_saja(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (octet_length(t) <= 10) THEN t WHEN (t ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?$'::text) THEN "left"(t, 10) ELSE t END;
CREATE FUNCTION ops.teks_panjang(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN NULLIF(btrim(regexp_replace(regexp_replace(CASE WHEN (t IS NFC NORMALIZED) THEN t ELSE NORMALIZE(t, NFC) END, '[\u0001-\u0008\u000e-\u001f\u007f\u00ad\u200b-\u200f\u2060\ufeff]+'::text, ''::text, 'g'::text), '[ \t\n\v\f\r\u0085\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+'::text, ' '::text, 'g'::text)), ''::text);
CREATE FUNCTION ops.teks(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ '^[!-~]+( [!-~]+)*$'::text) THEN t ELSE ops.teks_panjang(t) END;
CREATE FUNCTION ops.tolak(rid tid) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
begin
    insert into pg_temp.rejected_rows values (rid);
    return false;
end $$;
CREATE FUNCTION ops.zona_wita_panjang(t text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
    s text;
    clock text;
    zone text;
    minutes int;
begin
    if length(t) > 100 then return t; end if;
    s := upper(ops.rapi(t));
    if s !~ '^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)? ?(Z|UTC|GMT|WIB|WITA|WIT|[-+][01][0-9](:?[0-5][0-9])?)$'
    then return t; end if;
    zone := ltrim(substr(s, 12), '0123456789:. ');
    clock := rtrim(left(substr(s, 12), -length(zone)));
    zone := replace(zone, ':', '');
    s := left(s, 10) || ' ' || clock;
    if not pg_input_is_valid(s, 'timestamp') then return t; end if;
    minutes := case
        when zone = 'WIB' then 420 when zone = 'WITA' then 480 when zone = 'WIT' then 540
        when ascii(zone) > 64 then 0
        else (left(zone, 1) || '1')::int * (substr(zone, 2, 2)::int * 60 + coalesce(nullif(substr(zone, 4), ''), '0')::int)
    end;
    return to_char(
        s::timestamp + make_interval(mins => 480 - minutes),
        case when clock like '%.%' then 'YYYY-MM-DD HH24:MI:SS.US' else 'YYYY-MM-DD HH24:MI:SS' end
    );
end $_$;
CREATE FUNCTION ops.zona_wita(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (t ~ ':[0-9.]+ ?(?:[A-Za-z]+|[-+][0-9:]{2,5}) *$'::text) THEN ops.zona_wita_panjang(t) ELSE t END;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE raw.uji__orang (
    id integer CONSTRAINT uji__orang__1_stage_id_not_null NOT NULL,
    nik text,
    _batch_id bigint,
    _loaded_at timestamp with time zone,
    _source_position text
);
COMMENT ON TABLE raw.uji__orang IS 'Data orang (Dinas uji)';
COMMENT ON COLUMN raw.uji__orang.id IS 'Kolom id.';
COMMENT ON COLUMN raw.uji__orang.nik IS 'Kolom nik.';
CREATE VIEW core.orang AS
 SELECT id,
    nik
   FROM raw.uji__orang;
CREATE TABLE ops.check_result (
    run_id text,
    batch_id bigint,
    asset text NOT NULL,
    check_name text NOT NULL,
    severity text NOT NULL,
    passed boolean NOT NULL,
    unexpected bigint,
    total bigint,
    message text,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT check_result_severity_check CHECK ((severity = ANY (ARRAY['error'::text, 'warn'::text])))
);
CREATE TABLE ops.contract (
    dataset text NOT NULL,
    judul text NOT NULL,
    produsen text NOT NULL,
    domain text NOT NULL,
    jenis_sumber text NOT NULL,
    frekuensi_hari numeric,
    latensi_jam numeric,
    klasifikasi text NOT NULL,
    publikasi boolean NOT NULL
);
COMMENT ON TABLE ops.contract IS 'What the contracts promise: a copy of contracts/, renewed at every start.';
CREATE TABLE ops.load_batch (
    batch_id bigint NOT NULL,
    dataset text NOT NULL,
    run_id text,
    window_start date,
    window_end date,
    source_name text,
    source_fingerprint text,
    rows_read bigint DEFAULT 0 NOT NULL,
    rows_loaded bigint DEFAULT 0 NOT NULL,
    rows_unchanged bigint DEFAULT 0 NOT NULL,
    rows_quarantined bigint DEFAULT 0 NOT NULL,
    rows_deleted bigint DEFAULT 0 NOT NULL,
    state text DEFAULT 'running'::text NOT NULL,
    error text,
    seconds jsonb DEFAULT '{}'::jsonb NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    whole boolean DEFAULT false NOT NULL,
    found jsonb DEFAULT '{}'::jsonb NOT NULL,
    rules text,
    rows_in_raw bigint,
    data_until timestamp with time zone,
    has_sample boolean,
    rows_damaged bigint DEFAULT 0 NOT NULL,
    rows_unreachable bigint,
    CONSTRAINT load_batch_state_check CHECK ((state = ANY (ARRAY['running'::text, 'loaded'::text, 'unchanged'::text, 'rejected'::text, 'failed'::text, 'died'::text])))
);
COMMENT ON TABLE ops.load_batch IS 'The ledger: one row per load of one dataset.';
COMMENT ON COLUMN ops.load_batch.whole IS 'A full refresh: what was loaded before no longer stands.';
COMMENT ON COLUMN ops.load_batch.found IS 'What had to be found out of the source: a CSV file''s encoding, delimiter, quote.';
COMMENT ON COLUMN ops.load_batch.rules IS 'By what rules rows were refused: a mark of the contract and of what its references allowed.';
COMMENT ON COLUMN ops.load_batch.rows_in_raw IS 'Rows in force in raw after the load (deleted and former versions left out); null where an earlier row holds.';
COMMENT ON COLUMN ops.load_batch.data_until IS 'End of the newest period in raw after the load; null where the contract declares none.';
COMMENT ON COLUMN ops.load_batch.has_sample IS 'Whether raw has rows in force whose source was made up (the demo); null where an earlier row holds.';
COMMENT ON COLUMN ops.load_batch.rows_damaged IS 'Rows with bytes that no text has here: replaced by U+FFFD.';
COMMENT ON COLUMN ops.load_batch.rows_unreachable IS 'Rows of the source without a usable cursor or date, which no read of a part finds; NULL where nobody could count them.';
CREATE TABLE ops.upload_seen (
    seen_id bigint NOT NULL,
    dataset text NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    mtime double precision NOT NULL,
    stamp text NOT NULL,
    seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    outcome text,
    contract_mark text,
    CONSTRAINT upload_seen_outcome_check CHECK ((outcome = ANY (ARRAY['loaded'::text, 'unchanged'::text, 'rejected'::text, 'failed'::text])))
);
COMMENT ON TABLE ops.upload_seen IS 'Files in the upload zone in the order in which they were first seen: a row for each name and content, and each time it was put there again.';
COMMENT ON COLUMN ops.upload_seen.mtime IS 'What the file says of its own time (seconds since 1970); not asked for the order.';
COMMENT ON COLUMN ops.upload_seen.outcome IS 'What became of its load; empty until the file itself was judged.';
COMMENT ON COLUMN ops.upload_seen.contract_mark IS 'By which text of the contract: another one tries again.';
CREATE TABLE quarantine."row" (
    entry_id bigint NOT NULL,
    dataset text NOT NULL,
    first_batch_id bigint NOT NULL,
    last_batch_id bigint NOT NULL,
    source_position text,
    row_key text,
    "row" jsonb NOT NULL,
    reasons jsonb NOT NULL,
    row_hash text NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT row_state_check CHECK ((state = ANY (ARRAY['open'::text, 'resubmitted'::text, 'resolved'::text])))
);
COMMENT ON TABLE quarantine."row" IS 'Rows that a load refused, with every reason; values of personal columns are masked.';
COMMENT ON COLUMN quarantine."row".last_batch_id IS 'The load that brought the row, or last found it elsewhere (line, file).';
CREATE VIEW ops.dataset_state AS
 WITH good AS (
         SELECT DISTINCT ON (b.dataset) b.dataset,
            (b.source_fingerprint IS NOT NULL) AS is_file
           FROM ops.load_batch b
          WHERE (b.state = ANY (ARRAY['loaded'::text, 'unchanged'::text]))
          ORDER BY b.dataset, b.batch_id DESC
        ), content AS (
         SELECT b.dataset,
            split_part(b.source_fingerprint, ':'::text, 1) AS sha256,
            min(b.started_at) AS first_read
           FROM ops.load_batch b
          WHERE (b.source_fingerprint IS NOT NULL)
          GROUP BY b.dataset, (split_part(b.source_fingerprint, ':'::text, 1))
         HAVING bool_or((b.state = ANY (ARRAY['loaded'::text, 'unchanged'::text])))
        ), sight AS (
         SELECT u.dataset,
            u.sha256,
            min(u.seen_at) AS first_seen
           FROM ops.upload_seen u
          GROUP BY u.dataset, u.sha256
        ), file AS (
         SELECT c_1.dataset,
            max(LEAST(c_1.first_read, i.first_seen)) AS first_seen
           FROM (content c_1
             LEFT JOIN sight i ON (((i.dataset = c_1.dataset) AND (i.sha256 = c_1.sha256))))
          GROUP BY c_1.dataset
        ), change AS (
         SELECT b.dataset,
            max(b.finished_at) AS changed_at
           FROM ops.load_batch b
          WHERE (b.state = 'loaded'::text)
          GROUP BY b.dataset
        ), standing AS (
         SELECT DISTINCT ON (b.dataset) b.dataset,
            b.rows_in_raw,
            b.data_until,
            b.has_sample
           FROM ops.load_batch b
          WHERE (b.rows_in_raw IS NOT NULL)
          ORDER BY b.dataset, b.batch_id DESC
        ), last AS (
         SELECT DISTINCT ON (b.dataset) b.dataset,
            b.state
           FROM ops.load_batch b
          WHERE (b.state <> 'running'::text)
          ORDER BY b.dataset, b.batch_id DESC
        ), waiting AS (
         SELECT q.dataset,
            count(*) AS rows_quarantined
           FROM quarantine."row" q
          WHERE (q.state = 'open'::text)
          GROUP BY q.dataset
        )
 SELECT l.dataset,
        CASE
            WHEN g.is_file THEN f.first_seen
            WHEN (c.changed_at IS NOT NULL) THEN LEAST(c.changed_at, s.data_until)
            ELSE NULL::timestamp with time zone
        END AS arrived_at,
    c.changed_at,
    s.data_until,
    s.rows_in_raw,
    COALESCE(w.rows_quarantined, (0)::bigint) AS rows_quarantined,
    l.state AS last_state,
    COALESCE(s.has_sample, false) AS has_sample
   FROM (((((last l
     LEFT JOIN good g ON ((g.dataset = l.dataset)))
     LEFT JOIN file f ON ((f.dataset = l.dataset)))
     LEFT JOIN change c ON ((c.dataset = l.dataset)))
     LEFT JOIN standing s ON ((s.dataset = l.dataset)))
     LEFT JOIN waiting w ON ((w.dataset = l.dataset)));
COMMENT ON VIEW ops.dataset_state IS 'Where each dataset stands: when it arrived, how many rows of it are in force, how many wait in quarantine.';
CREATE TABLE ops.empty_window (
    dataset text NOT NULL,
    day date NOT NULL,
    batch_id bigint NOT NULL,
    since timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
COMMENT ON TABLE ops.empty_window IS 'Days of which raw has rows and the source had none when last asked; not taken over.';
ALTER TABLE ops.load_batch ALTER COLUMN batch_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ops.load_batch_batch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE ops.load_repair (
    batch_id bigint NOT NULL,
    column_name text NOT NULL,
    repair text NOT NULL,
    rows bigint NOT NULL
);
COMMENT ON TABLE ops.load_repair IS 'How many cells each declared repair changed in a load.';
CREATE TABLE ops.model_run (
    run_id text,
    model text NOT NULL,
    state text NOT NULL,
    rows bigint,
    seconds double precision,
    error text,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE ops.pseudonym_key (
    dataset text NOT NULL,
    purpose text NOT NULL,
    fingerprint text NOT NULL,
    since timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
COMMENT ON TABLE ops.pseudonym_key IS 'Which key a dataset''s pseudonyms were made with, by a fingerprint of it.';
CREATE TABLE ops.publication_log (
    run_id text,
    mart text NOT NULL,
    path text NOT NULL,
    sha256 text NOT NULL,
    rows bigint,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    peristiwa text DEFAULT 'terbit'::text NOT NULL,
    dasar jsonb,
    alasan text
);
COMMENT ON COLUMN ops.publication_log.peristiwa IS 'terbit, or ditarik: the file went.';
COMMENT ON COLUMN ops.publication_log.dasar IS 'On what basis columns that come from closed data left, by column (adr/024).';
COMMENT ON COLUMN ops.publication_log.alasan IS 'Why a file was withdrawn.';
CREATE VIEW ops.quarantine_reason AS
 SELECT q.entry_id,
    q.dataset,
    q.state,
    q.updated_at,
    (r.reason ->> 'kolom'::text) AS kolom,
    (r.reason ->> 'aturan'::text) AS aturan,
    (r.reason ->> 'nilai'::text) AS nilai
   FROM (quarantine."row" q
     CROSS JOIN LATERAL jsonb_array_elements(q.reasons) r(reason));
COMMENT ON VIEW ops.quarantine_reason IS 'Why rows were refused, one row per reason; values of personal columns are masked.';
CREATE TABLE ops.reconciliation (
    dataset text NOT NULL,
    batch_id bigint NOT NULL,
    rows_at_source bigint NOT NULL,
    rows_deleted bigint NOT NULL,
    rows_overlooked bigint NOT NULL,
    reconciled_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
COMMENT ON TABLE ops.reconciliation IS 'When the keys of a source were read, and what was found gone or overlooked.';
CREATE TABLE ops.schema_drift (
    drift_id bigint NOT NULL,
    dataset text NOT NULL,
    batch_id bigint NOT NULL,
    kind text NOT NULL,
    column_name text NOT NULL,
    was text,
    now text,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT schema_drift_kind_check CHECK ((kind = ANY (ARRAY['added'::text, 'vanished'::text, 'retyped'::text, 'refused'::text])))
);
COMMENT ON TABLE ops.schema_drift IS 'Changes of a source''s shape, each at the load that met it.';
ALTER TABLE ops.schema_drift ALTER COLUMN drift_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ops.schema_drift_drift_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE ops.source_shape (
    dataset text NOT NULL,
    contract_version text NOT NULL,
    shape jsonb NOT NULL,
    batch_id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
COMMENT ON TABLE ops.source_shape IS 'The columns that a source had when it was last loaded: name to kind.';
ALTER TABLE ops.upload_seen ALTER COLUMN seen_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ops.upload_seen_seen_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE ops.watermark (
    dataset text NOT NULL,
    value text NOT NULL,
    batch_id bigint NOT NULL,
    source_text text,
    column_name text
);
COMMENT ON TABLE ops.watermark IS 'The highest cursor value published, in the source''s own clock.';
COMMENT ON COLUMN ops.watermark.source_text IS 'The value as an API wrote it: what the API is asked from.';
COMMENT ON COLUMN ops.watermark.column_name IS 'The source''s column that it is a value of; NULL in a mark of an earlier version.';
CREATE TABLE pribadi.uji__orang (
    kolom text NOT NULL,
    pseudonim text NOT NULL,
    asli text NOT NULL,
    batch_id bigint NOT NULL
);
ALTER TABLE quarantine."row" ALTER COLUMN entry_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME quarantine.row_entry_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE raw.uji__berkas (
    id integer CONSTRAINT uji__berkas__5_stage_id_not_null NOT NULL,
    jumlah integer,
    _batch_id bigint,
    _loaded_at timestamp with time zone,
    _source_position text
);
COMMENT ON TABLE raw.uji__berkas IS 'Data berkas (Dinas uji)';
COMMENT ON COLUMN raw.uji__berkas.id IS 'Kolom id.';
COMMENT ON COLUMN raw.uji__berkas.jumlah IS 'Kolom jumlah.';
CREATE TABLE raw.uji__ubah (
    kunci text NOT NULL,
    nilai integer,
    diubah timestamp without time zone,
    _batch_id bigint,
    _loaded_at timestamp with time zone,
    _source_position text
);
CREATE TABLE raw.uji__versi (
    id integer NOT NULL,
    v text,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    is_current boolean,
    _batch_id bigint,
    _loaded_at timestamp with time zone,
    _source_position text
);
INSERT INTO ops.check_result VALUES ('uji', 5, 'raw/uji/berkas', 'bentuk_sumber', 'error', true, 0, NULL, 'Bentuk sumber seperti sebelumnya.', '2026-11-27 01:43:09.982245+08');
INSERT INTO ops.check_result VALUES ('uji', 5, 'raw/uji/berkas', 'bita_hilang', 'warn', true, 0, 3, 'Semua huruf terbaca.', '2026-11-27 01:43:09.982476+08');
INSERT INTO ops.check_result VALUES ('uji', 5, 'raw/uji/berkas', 'karantina', 'error', true, 1, 3, '1 dari 3 baris dikarantina (33.3%, batas 100%)', '2026-11-27 01:43:09.982495+08');
INSERT INTO ops.check_result VALUES ('uji', 5, 'raw/uji/berkas', 'ada_baris', 'error', true, 0, 2, 'Sumber tidak memberi satu baris pun; data yang sudah terbit tidak diganti.', '2026-11-27 01:43:09.982507+08');
INSERT INTO ops.check_result VALUES ('uji', 5, 'raw/uji/berkas', 'unik_kunci', 'error', true, 0, 2, 'Kunci id harus unik.', '2026-11-27 01:43:09.982517+08');
INSERT INTO ops.check_result VALUES ('uji', 5, 'raw/uji/berkas', 'wajib_id', 'error', true, 0, 2, 'id: wajib diisi.', '2026-11-27 01:43:09.982526+08');
INSERT INTO ops.check_result VALUES ('uji', 1, 'raw/uji/orang', 'ada_baris', 'error', true, NULL, 3, NULL, '2026-11-27 01:43:10.000406+08');
INSERT INTO ops.contract VALUES ('uji/orang', 'Data orang', 'Dinas uji', 'uji', 'database', NULL, NULL, 'pribadi', false);
INSERT INTO ops.contract VALUES ('uji/ubah', 'Data ubah', 'Dinas uji', 'uji', 'database', NULL, NULL, 'terbuka', false);
INSERT INTO ops.contract VALUES ('uji/versi', 'Data versi', 'Dinas uji', 'uji', 'database', NULL, NULL, 'terbuka', false);
INSERT INTO ops.contract VALUES ('uji/berkas', 'Data berkas', 'Dinas uji', 'uji', 'upload', NULL, NULL, 'terbuka', false);
INSERT INTO ops.load_batch OVERRIDING SYSTEM VALUE VALUES (1, 'uji/orang', 'uji', NULL, NULL, 'data', NULL, 3, 3, 0, 0, 0, 'loaded', NULL, '{"check": 0.0, "stage": 0.024, "extract": 0.004}', '2026-11-27 01:43:00.52307+08', '2026-11-27 01:43:00.621998+08', false, '{}', NULL, 3, NULL, false, 0, NULL);
INSERT INTO ops.load_batch OVERRIDING SYSTEM VALUE VALUES (2, 'uji/ubah', 'uji', NULL, NULL, 'data', NULL, 2, 1, 0, 1, 0, 'loaded', NULL, '{"check": 0.0, "stage": 0.03, "extract": 0.021}', '2026-11-27 01:43:00.632302+08', '2026-11-27 01:43:00.73907+08', false, '{}', 'c5d3acbf8cf9b1b1a45c24ae48bd40c8', 1, '2024-05-01 00:00:00+08', false, 0, NULL);
INSERT INTO ops.load_batch OVERRIDING SYSTEM VALUE VALUES (3, 'uji/versi', 'uji', NULL, NULL, 'data', NULL, 2, 2, 0, 0, 0, 'loaded', NULL, '{"check": 0.0, "stage": 0.037, "extract": 0.006}', '2026-11-27 01:43:00.751066+08', '2026-11-27 01:43:00.821607+08', false, '{}', NULL, 2, NULL, false, 0, NULL);
INSERT INTO ops.load_batch OVERRIDING SYSTEM VALUE VALUES (4, 'uji/versi', 'uji', NULL, NULL, 'data', NULL, 2, 1, 1, 0, 0, 'loaded', NULL, '{"check": 0.0, "stage": 0.024, "extract": 0.01}', '2026-11-27 01:43:00.833141+08', '2026-11-27 01:43:00.902993+08', false, '{}', NULL, 2, NULL, false, 0, NULL);
INSERT INTO ops.load_batch OVERRIDING SYSTEM VALUE VALUES (5, 'uji/berkas', 'uji', NULL, NULL, 'data.csv', 'cc9cae94c3a3a3023605a0c1900d8efd77f7ca30e220fdd01afd0f410eb8dc39:0a7299714d3df89d', 3, 2, 0, 1, 0, 'loaded', NULL, '{"check": 8.603, "stage": 0.034, "extract": 0.362}', '2026-11-27 01:43:00.931675+08', '2026-11-27 01:43:09.975797+08', false, '{}', '0a7299714d3df89d6d04b428c771faae', 2, NULL, false, 0, NULL);
INSERT INTO ops.model_run VALUES ('uji', 'core.contoh', 'ok', 3, 0.5, NULL, '2026-11-27 01:43:09.999938+08');
INSERT INTO ops.pseudonym_key VALUES ('uji/orang', 'kunjungan', 'e14862f64dadbd42', '2026-11-27 01:43:00.620535+08');
INSERT INTO ops.publication_log VALUES ('uji', 'rincian', 'csv/rincian.csv', 'ab', 3, '2026-11-27 01:43:09.991847+08', 'terbit', '{"jumlah": "penyamaran"}', NULL);
INSERT INTO ops.publication_log VALUES ('uji', 'lama', 'csv/lama.csv', 'cd', 0, '2026-11-27 01:43:09.991939+08', 'ditarik', NULL, 'mart tidak terbuka lagi');
INSERT INTO ops.reconciliation VALUES ('uji/versi', 3, 2, 0, 0, '2026-11-27 01:43:00.819914+08');
INSERT INTO ops.reconciliation VALUES ('uji/versi', 4, 2, 0, 0, '2026-11-27 01:43:00.893005+08');
INSERT INTO ops.source_shape VALUES ('uji/orang', '1.0.0', '{}', 1, '2026-11-27 01:43:00.571291+08');
INSERT INTO ops.source_shape VALUES ('uji/ubah', '1.0.0', '{}', 2, '2026-11-27 01:43:00.719041+08');
INSERT INTO ops.source_shape VALUES ('uji/versi', '1.0.0', '{}', 4, '2026-11-27 01:43:00.879642+08');
INSERT INTO ops.source_shape VALUES ('uji/berkas', '1.0.0', '{"id": "", "jumlah": ""}', 5, '2026-11-27 01:43:09.948786+08');
INSERT INTO ops.upload_seen OVERRIDING SYSTEM VALUE VALUES (1, 'uji/berkas', 'data.csv', 'cc9cae94c3a3a3023605a0c1900d8efd77f7ca30e220fdd01afd0f410eb8dc39', 1795714980.912037, '30:1795714980.912037:1795714980.912037', '2026-11-27 01:43:00.92329+08', 'loaded', '0a7299714d3df89d');
INSERT INTO ops.watermark VALUES ('uji/ubah', '2024-05-01T00:00:00', 2, NULL, 'diubah');
INSERT INTO pribadi.uji__orang VALUES ('nik', 'd6468bb1d8248aaf0c3e7c83041abc4ebb99934f6a04ddc5321db702d9ad00c5', '9901010101900001', 1);
INSERT INTO pribadi.uji__orang VALUES ('nik', '76721b9c1b9a6788a3f7c3ba3152cd30ae7127309a1adf96a9d4e513b020c787', '9901014101900002', 1);
INSERT INTO quarantine."row" OVERRIDING SYSTEM VALUE VALUES (1, 'uji/ubah', 2, 2, 'kunci b', 'b', '{"kunci": "b", "nilai": "x", "diubah": "2024-05-02"}', '[{"kolom": "nilai", "nilai": "x", "pesan": "nilai: bukan bilangan bulat", "aturan": "tipe", "perbaikan": "tulis sebagai bilangan bulat"}]', '22a046fb0345498de4fd97b53ad43a46', 'open', '2026-11-27 01:43:00.705538+08', '2026-11-27 01:43:00.705538+08');
INSERT INTO quarantine."row" OVERRIDING SYSTEM VALUE VALUES (2, 'uji/berkas', 5, 5, 'baris 3', '2', '{"id": "2", "jumlah": "sepuluh"}', '[{"kolom": "jumlah", "nilai": "sepuluh", "pesan": "jumlah: bukan bilangan bulat", "aturan": "tipe", "perbaikan": "tulis sebagai bilangan bulat"}]', '26088f6a21d5897bb555a951c249dfed', 'open', '2026-11-27 01:43:09.948307+08', '2026-11-27 01:43:09.948307+08');
INSERT INTO raw.uji__berkas VALUES (1, 10, 5, '2026-11-27 01:43:01.306126+08', 'baris 2');
INSERT INTO raw.uji__berkas VALUES (3, 30, 5, '2026-11-27 01:43:01.306126+08', 'baris 4');
INSERT INTO raw.uji__orang VALUES (1, 'd6468bb1d8248aaf0c3e7c83041abc4ebb99934f6a04ddc5321db702d9ad00c5', 1, '2026-11-27 01:43:00.555008+08', NULL);
INSERT INTO raw.uji__orang VALUES (2, '76721b9c1b9a6788a3f7c3ba3152cd30ae7127309a1adf96a9d4e513b020c787', 1, '2026-11-27 01:43:00.555008+08', NULL);
INSERT INTO raw.uji__orang VALUES (3, NULL, 1, '2026-11-27 01:43:00.555008+08', NULL);
INSERT INTO raw.uji__ubah VALUES ('a', 1, '2024-05-01 00:00:00', 2, '2026-11-27 01:43:00.669943+08', NULL);
INSERT INTO raw.uji__versi VALUES (2, 'a', '2026-11-27 01:43:00.807122+08', NULL, true, 3, '2026-11-27 01:43:00.778642+08', NULL);
INSERT INTO raw.uji__versi VALUES (1, 'a', '2026-11-27 01:43:00.807122+08', '2026-11-27 01:43:00.879049+08', false, 3, '2026-11-27 01:43:00.778642+08', NULL);
INSERT INTO raw.uji__versi VALUES (1, 'b', '2026-11-27 01:43:00.879049+08', NULL, true, 4, '2026-11-27 01:43:00.858879+08', NULL);
SELECT pg_catalog.setval('ops.load_batch_batch_id_seq', 5, true);
SELECT pg_catalog.setval('ops.schema_drift_drift_id_seq', 1, false);
SELECT pg_catalog.setval('ops.upload_seen_seen_id_seq', 1, true);
SELECT pg_catalog.setval('quarantine.row_entry_id_seq', 2, true);
ALTER TABLE ONLY ops.contract
    ADD CONSTRAINT contract_pkey PRIMARY KEY (dataset);
ALTER TABLE ONLY ops.empty_window
    ADD CONSTRAINT empty_window_pkey PRIMARY KEY (dataset, day);
ALTER TABLE ONLY ops.load_batch
    ADD CONSTRAINT load_batch_pkey PRIMARY KEY (batch_id);
ALTER TABLE ONLY ops.load_repair
    ADD CONSTRAINT load_repair_pkey PRIMARY KEY (batch_id, column_name, repair);
ALTER TABLE ONLY ops.pseudonym_key
    ADD CONSTRAINT pseudonym_key_pkey PRIMARY KEY (dataset, purpose);
ALTER TABLE ONLY ops.reconciliation
    ADD CONSTRAINT reconciliation_pkey PRIMARY KEY (dataset, batch_id);
ALTER TABLE ONLY ops.schema_drift
    ADD CONSTRAINT schema_drift_pkey PRIMARY KEY (drift_id);
ALTER TABLE ONLY ops.source_shape
    ADD CONSTRAINT source_shape_pkey PRIMARY KEY (dataset);
ALTER TABLE ONLY ops.upload_seen
    ADD CONSTRAINT upload_seen_pkey PRIMARY KEY (seen_id);
ALTER TABLE ONLY ops.watermark
    ADD CONSTRAINT watermark_pkey PRIMARY KEY (dataset);
ALTER TABLE ONLY pribadi.uji__orang
    ADD CONSTRAINT uji__orang_pkey PRIMARY KEY (kolom, pseudonim);
ALTER TABLE ONLY quarantine."row"
    ADD CONSTRAINT row_pkey PRIMARY KEY (entry_id);
ALTER TABLE ONLY raw.uji__berkas
    ADD CONSTRAINT uji__berkas__5_pkey PRIMARY KEY (id);
ALTER TABLE ONLY raw.uji__orang
    ADD CONSTRAINT uji__orang__1_pkey PRIMARY KEY (id);
ALTER TABLE ONLY raw.uji__ubah
    ADD CONSTRAINT uji__ubah_pkey PRIMARY KEY (kunci);
ALTER TABLE ONLY raw.uji__versi
    ADD CONSTRAINT uji__versi_pkey PRIMARY KEY (id, valid_from);
CREATE INDEX check_result_asset ON ops.check_result USING btree (asset, check_name, at DESC);
CREATE INDEX load_batch_dataset ON ops.load_batch USING btree (dataset, batch_id DESC);
CREATE INDEX schema_drift_dataset ON ops.schema_drift USING btree (dataset, drift_id DESC);
CREATE INDEX upload_seen_name ON ops.upload_seen USING btree (dataset, name, seen_id DESC);
CREATE INDEX row_dataset_key ON quarantine."row" USING btree (dataset, row_key) WHERE (state = 'open'::text);
CREATE UNIQUE INDEX row_open ON quarantine."row" USING btree (dataset, row_hash) WHERE (state = 'open'::text);
CREATE UNIQUE INDEX uji__versi_current ON raw.uji__versi USING btree (id) WHERE is_current;
ALTER TABLE ONLY ops.load_repair
    ADD CONSTRAINT load_repair_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES ops.load_batch(batch_id) ON DELETE CASCADE;
GRANT USAGE ON SCHEMA pribadi TO gudang_pribadi;
GRANT SELECT ON TABLE core.orang TO gudang_pribadi;
GRANT SELECT ON TABLE ops.load_batch TO gudang_pribadi;
GRANT SELECT,DELETE ON TABLE pribadi.uji__orang TO gudang_pribadi;

