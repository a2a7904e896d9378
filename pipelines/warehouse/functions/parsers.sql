-- Declared repairs (`parse` in a contract): text to text that PostgreSQL can cast, one cell at a time.
--
-- What belongs here: functions that a contract may name, and what they share. Not here: which may stand in which
-- column (pipelines/contracts/repairs.py), checks of cleaned text (checks.sql).
-- All of them: NULL is "no value"; a text that they can't make sense of is given back as it came, so that the cast
-- fails and the row is quarantined with its original; none raises on any text. The common case is inlined into the
-- query (language sql, not strict); only the others pay for a call. [0-9] and not \d: that depends on the locale.

-- Regular expressions are few and repeat themselves: PostgreSQL keeps 32 compiled (regexp.c), and a query that needs
-- more compiles them again for every cell; captures cost tens of microseconds even then. So a shape is tested by ~, and
-- its parts are cut by position.

-- Blanks of every kind as a blank, dashes of every kind as "-", zero-width characters gone, ends trimmed.
create or replace function ops.rapi(t text) returns text language sql immutable parallel safe
return case
    when t ~ '^[ -~]*$' then btrim(t)
    else btrim(translate(
        t,
        E'\t\n\u000b\f\r\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000'
        '\u2010\u2011\u2012\u2013\u2014\u2212'
        '\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff',
        '                   ------'
    ))
end;

-- Text -------------------------------------------------------------------------------------------------------

create or replace function ops.teks_panjang(t text) returns text language sql immutable parallel safe
return case
    -- Nothing to do but for tabs: a third of the cost. Before U+0300 there is nothing to compose.
    when strpos(' ' || replace(t, E'\t', ' ') || ' ', '  ') = 0
        and (
            t !~ '[^\t -~\u00a1-\u00ac\u00ae-\u02ff]'
            or t !~ '[\u0001-\u0008\n-\u001f\u007f-\u00a0\u00ad\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]'
            and t is nfc normalized
        )
    then replace(t, E'\t', ' ')
    else nullif(
        btrim(
            case
                -- No character from U+0300 on: nothing to compose. Half the cost for texts with tabs or Latin letters.
                when t !~ '[^\t-\r -~\u00a0-\u00ac\u00ae-\u02ff]' then regexp_replace(t, '[\t-\r \u00a0]+', ' ', 'g')
                else regexp_replace(
                    regexp_replace(
                        -- Looking first costs half of what making it anew does.
                        case when t is nfc normalized then t else normalize(t, NFC) end,
                        '[\u0001-\u0008\u000e-\u001f\u007f\u00ad\u200b-\u200f\u2060\ufeff]+', '', 'g'
                    ),
                    '[ \t\n\v\f\r\u0085\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+', ' ', 'g'
                )
            end
        ),
        ''
    )
end;

-- White space of every kind folded to one blank, zero-width and control characters gone, Unicode NFC. Letters and
-- quotes stay as they are.
create or replace function ops.teks(t text) returns text language sql immutable parallel safe
return case
    -- The lengths first: they say for a sixth of the cost that a text has other letters than ASCII.
    when octet_length(t) = char_length(t) and strpos(' ' || t || ' ', '  ') = 0 and t !~ '[^ -~]' then t
    else ops.teks_panjang(t)
end;

-- Capitals, and no blanks at the ends: what a case-insensitive, blank-padded collation takes for one key becomes one.
create or replace function ops.huruf_besar(t text) returns text language sql immutable parallel safe
return upper(btrim(t));

create or replace function ops.mojibake_panjang(t text) returns text language plpgsql immutable parallel safe strict as $$
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
end $$;

-- UTF-8 that was once read as Latin-1 or Windows-1252, and only where the whole cell is exactly that.
create or replace function ops.mojibake(t text) returns text language sql immutable parallel safe
return case when t ~ '[\u00c2-\u00f4][\u0080-\u2122]' then ops.mojibake_panjang(t) else t end;

-- What makes Excel keep a number as text: an apostrophe, which before a letter may be part of a name ('Aisyiyah), or a
-- formula of that text, ="0013".
create or replace function ops.petik_excel(t text) returns text language sql immutable parallel safe
return case
    when t ~ '^''[0-9+-]' then substr(t, 2)
    when t ~ '^="(?:[^"]|"")*"$' then nullif(replace(substr(t, 3, char_length(t) - 3), '""', '"'), '')
    else t
end;

-- Marks of footnotes and of provisional or revised figures at the end: "*", "**)", "¹", "²)", "r)", "x)".
create or replace function ops.catatan_kaki(t text) returns text language sql immutable parallel safe
return case
    when t ~ '[0-9]$' then t
    else regexp_replace(
        t, '(?:[ \u00a0]*[*†‡]+[ \u00a0]*\)?|(?:(?<=[0-9*])|[ \u00a0]+)[⁰¹²³⁴⁵⁶⁷⁸⁹]+\)?|(?<=[0-9])[ \u00a0]*[rx]\))[ \u00a0]*$', ''
    )
end;

-- What says that a number is not exact: "±", "~", "≈", "kurang lebih", "sekitar".
create or replace function ops.kira_kira(t text) returns text language sql immutable parallel safe
return case
    when t ~ '^[0-9]' then t
    else regexp_replace(t, '^[ \u00a0]*(?:[±~≈]|\+/-|kurang lebih|sekitar|kira-kira|ca\.)[ \u00a0]*(?=[0-9])', '', 'i')
end;

-- Numbers ----------------------------------------------------------------------------------------------------

create or replace function ops.angka_panjang(t text, indonesia boolean) returns text language plpgsql immutable parallel safe strict as $$
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
end $$;

-- Indonesian marks, unless only the English reading is possible: "1.234" is 1234 and "1,234" is 1.234, but "0.123",
-- "1234.5" and "1,234.5" can't be read otherwise.
create or replace function ops.angka_id(t text) returns text language sql immutable parallel safe
return case
    when t ~ '^[-+]?[0-9]+(?:\.[0-9][0-9]?)?$' then t
    when t ~ '^-?(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?$' then replace(replace(t, '.', ''), ',', '.')
    else ops.angka_panjang(t, true)
end;

-- English marks, the same way round.
create or replace function ops.angka_en(t text) returns text language sql immutable parallel safe
return case
    when t ~ '^[-+]?[0-9]+(?:\.[0-9]+)?$' then t
    when t ~ '^-?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?$' then replace(t, ',', '')
    else ops.angka_panjang(t, false)
end;

-- "2022.0" is 2022. One to three digits and ".000" could be thousands: they stay.
create or replace function ops.bilangan_bulat(t text) returns text language sql immutable parallel safe
return case
    when t ~ '^[-+]?[0-9]+$' then t
    when t ~ '^ *[-+]?[0-9]+(?:\.0+)? *$' and t !~ '^ *[-+]?[1-9][0-9]{0,2}\.000 *$' then split_part(btrim(t), '.', 1)
    else t
end;

-- What the type would not hold: digits behind the last that stays, half away from zero.
create or replace function ops.bulatkan(t text, digits integer) returns text language sql immutable parallel safe
return case
    when t ~ '^[-+]?[0-9]+$' or octet_length(t) > 1000 then t
    when t !~ '^ *[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})? *$' then t
    when scale(trim_scale(t::numeric)) > digits then round(t::numeric, digits)::text
    else t
end;

-- The day of a time that says no zone.
create or replace function ops.tanggal_saja(t text) returns text language sql immutable parallel safe
return case
    when octet_length(t) <= 10 then t
    when t ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?$' then left(t, 10)
    else t
end;

-- Fractions of a second beyond the sixth digit, cut off.
create or replace function ops.mikrodetik(t text) returns text language sql immutable parallel safe
return case
    when octet_length(t) <= 19 or t not like '%._______%' or octet_length(t) > 1000 then t
    else regexp_replace(t, '(\.[0-9]{6})[0-9]+', '\1')
end;

create or replace function ops.persen_panjang(t text, factor numeric) returns text language plpgsql immutable parallel safe strict as $$
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
end $$;

-- "12,5 %" is 12.5. Without the sign: as angka_id.
create or replace function ops.persen(t text) returns text language sql immutable parallel safe
return case when t ~ '^[-+]?[0-9]+(?:\.[0-9][0-9]?)?$' then t else ops.persen_panjang(t, 1) end;

-- "12,5 %" is 0.125. Without the sign it is a share already: as angka_id.
create or replace function ops.persen_pecahan(t text) returns text language sql immutable parallel safe
return case when t ~ '^[-+]?[0-9]+(?:\.[0-9][0-9]?)?$' then t else ops.persen_panjang(t, 0.01) end;

create or replace function ops.satuan_panjang(t text, factors jsonb) returns text language plpgsql immutable parallel safe strict as $$
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
end $$;

-- A number with its unit in the unit of the column; factors: unit -> how many of the column's one of it is
-- (pipelines/contracts/repairs.py has them and their source). Without a unit: as angka_id.
create or replace function ops.satuan(t text, factors jsonb) returns text language sql immutable parallel safe
return case when t ~ '^[-+]?[0-9]+(?:\.[0-9][0-9]?)?$' then t else ops.satuan_panjang(t, factors) end;

create or replace function ops.koordinat_panjang(t text) returns text language plpgsql immutable parallel safe strict as $$
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
end $$;

-- Degrees with decimals, or degrees, minutes and seconds with their hemisphere (LU LS BT BB, N S E W). A coordinate
-- cut to an integer is no place. Of a second's fraction seven digits of a degree are a centimetre, as numeric(10,7).
create or replace function ops.koordinat(t text) returns text language sql immutable parallel safe
return case when t ~ '^-?[0-9]+\.[0-9]*[1-9][0-9]*$' then t else ops.koordinat_panjang(t) end;

-- Dates ------------------------------------------------------------------------------------------------------

create or replace function ops.tanggal_id_panjang(t text) returns text language plpgsql immutable parallel safe strict as $$
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
end $$;

-- Day, month, year in Indonesian order, months by number or name (also English), with or without weekday and time.
create or replace function ops.tanggal_id(t text) returns text language sql immutable parallel safe
return case
    when t like '____-__-__' then t
    when t ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:' then t
    -- All days but 29 February, which needs its year.
    when t ~ '^(?:(?:0[1-9]|1[0-9]|2[0-8])[-/](?:0[1-9]|1[0-2])|(?:29|30)[-/](?:0[13-9]|1[0-2])|31[-/](?:0[13578]|1[02]))[-/][12][0-9]{3}$'
    then right(t, 4) || '-' || substr(t, 4, 2) || '-' || left(t, 2)
    else ops.tanggal_id_panjang(t)
end;

-- MySQL's 0000-00-00, and 00/00/0000, are no date.
create or replace function ops.tanggal_nol(t text) returns text language sql immutable parallel safe
return case when t ~ '^(?:0000[-/]00[-/]00|00[-/]00[-/]0000)' then null else t end;

create or replace function ops.serial_excel_panjang(t text, origin date) returns text language plpgsql immutable parallel safe strict as $$
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

-- Excel's serial day, 1900 system: 45657 is 2024-12-31, 45657.5 its noon.
create or replace function ops.serial_excel(t text) returns text language sql immutable parallel safe
return case when t ~ '^[0-9]{1,7}(?:\.[0-9]{1,20})?$' then ops.serial_excel_panjang(t, date '1899-12-30') else t end;

-- The same in the 1904 system of old Excel for Mac.
create or replace function ops.serial_excel_1904(t text) returns text language sql immutable parallel safe
return case when t ~ '^[0-9]{1,7}(?:\.[0-9]{1,20})?$' then ops.serial_excel_panjang(t, date '1904-01-01') else t end;

create or replace function ops.zona_wita_panjang(t text) returns text language plpgsql immutable parallel safe strict as $$
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
end $$;

-- A time with its zone (Z, +07:00, WIB, WIT) as the time of Kalimantan Timur, without zone.
create or replace function ops.zona_wita(t text) returns text language sql immutable parallel safe
return case when t ~ ':[0-9.]+ ?(?:[A-Za-z]+|[-+][0-9:]{2,5}) *$' then ops.zona_wita_panjang(t) else t end;

-- Words ------------------------------------------------------------------------------------------------------

-- A value, label or alias of the enum as its value; known: each of them in lower case with single blanks -> value.
create or replace function ops.klasifikasi(t text, known jsonb) returns text language sql immutable parallel safe
return coalesce(known ->> t, known ->> lower(regexp_replace(ops.rapi(t), ' {2,}', ' ', 'g')), t);

-- "T" is "Tidak" on a form and true to PostgreSQL: so the bare letters that it would read are left, but a capital T.
create or replace function ops.boolean_id(t text) returns text language sql immutable parallel safe
return case
    when t in ('true', 'false') then t
    when btrim(t) in ('t', 'f', 'F') then t
    else nullif(ops.klasifikasi(t, '{"": "",
        "ya": "true", "y": "true", "iya": "true", "yes": "true", "true": "true", "1": "true", "ada": "true",
        "benar": "true", "betul": "true", "aktif": "true", "sudah": "true", "v": "true", "✓": "true", "✔": "true", "√": "true",
        "tidak": "false", "t": "false", "tdk": "false", "no": "false", "n": "false", "false": "false", "0": "false",
        "tidak ada": "false", "salah": "false", "tidak benar": "false", "tidak aktif": "false", "belum": "false"}'), '')
end;

-- A code of digits whose leading zeros were lost, at its full length.
create or replace function ops.kode(t text, length int) returns text language sql immutable parallel safe
return case
    when char_length(t) < length and t ~ '^[0-9]+$' then lpad(t, length, '0') else t
end;

-- The key by which spellings of a place's name are compared: capital letters and digits, without its kind.
create or replace function ops.kunci_nama(t text) returns text language sql immutable parallel safe
return regexp_replace(
    regexp_replace(
        regexp_replace(
            upper(btrim(regexp_replace(t, '[\s\u00a0]+', ' ', 'g'))),
            '\s*\((KAB|KABUPATEN|KOTA|PROV|PROVINSI)\.?\)$', ''
        ),
        '^((PROVINSI|KABUPATEN|KOTA|KECAMATAN|KELURAHAN|DESA)\s+|(PROV|PROP|KAB|KEC|KEL)(\.\s*|\s+))+', ''
    ),
    '[^A-Z0-9]+', '', 'g'
);
