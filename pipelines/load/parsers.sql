-- Declared repairs (`parse` in a contract): text to text that PostgreSQL can cast, one cell at a time.
--
-- What belongs here: functions that a contract may name, and what they share. Not here: which may stand in which
-- column (pipelines/repairs.py), checks of cleaned text (checks.sql).
-- All of them: NULL is "no value"; a text that they can't make sense of is given back as it came, so that the cast
-- fails and the row is quarantined with its original; none raises on any text. The common case is inlined into the
-- query (language sql, not strict); only the others pay for a call. [0-9] and not \d: that depends on the locale.

-- Blanks of every kind as a blank, dashes of every kind as "-", zero-width characters gone, ends trimmed.
create or replace function ops.rapi(t text) returns text language sql immutable parallel safe
return btrim(translate(
    t,
    E'\t\n\u000b\f\r\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000'
    '\u2010\u2011\u2012\u2013\u2014\u2212'
    '\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff',
    '                   ------'
));

-- Text -------------------------------------------------------------------------------------------------------

create or replace function ops.teks_panjang(t text) returns text language sql immutable parallel safe
return nullif(
    btrim(
        regexp_replace(
            regexp_replace(
                normalize(t, NFC), '[\u0001-\u0008\u000e-\u001f\u007f\u00ad\u200b-\u200f\u2060\ufeff]+', '', 'g'
            ),
            '[ \t\n\v\f\r\u0085\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+', ' ', 'g'
        )
    ),
    ''
);

-- White space of every kind folded to one blank, zero-width and control characters gone, Unicode NFC. Letters and
-- quotes stay as they are.
create or replace function ops.teks(t text) returns text language sql immutable parallel safe
return case when t ~ '^[!-~]+( [!-~]+)*$' then t else ops.teks_panjang(t) end;

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

-- The apostrophe that makes Excel keep a number as text. Before a letter it may be part of a name ('Aisyiyah).
create or replace function ops.petik_excel(t text) returns text language sql immutable parallel safe
return case when t ~ '^''[0-9+-]' then substr(t, 2) else t end;

-- Marks of footnotes and of provisional or revised figures at the end: "*", "**)", "¹", "²)", "r)", "x)".
create or replace function ops.catatan_kaki(t text) returns text language sql immutable parallel safe
return case
    when t ~ '[0-9]$' then t
    else regexp_replace(
        t, '(?:[*†‡]+[ \u00a0]*\)?|(?<=[0-9 \u00a0*])[⁰¹²³⁴⁵⁶⁷⁸⁹]+\)?|(?<=[0-9])[ \u00a0]*[rx]\))[ \u00a0]*$', ''
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
    part text[];
    digits text;
    negative boolean := false;
    value numeric;
begin
    if length(t) > 100 then return t; end if;
    s := upper(ops.rapi(t));
    if s in ('', '-', '--') then return null; end if;
    if s ~ '^\(.+\)$' then negative := true; s := btrim(substr(s, 2, length(s) - 2)); end if;
    s := regexp_replace(s, '^([-+]?) *(?:RP\.?|IDR) *', '\1');
    if s ~ '^\(.+\)$' and not negative then negative := true; s := btrim(substr(s, 2, length(s) - 2)); end if;
    s := regexp_replace(s, '([0-9])[.,]-{1,2}$', '\1');
    part := regexp_match(
        s, '^([-+]?) ?([0-9.,]*[0-9])(?:E([-+]?[0-9]{1,2}))?(?: ?(RB|RIBU|JT|JUTA|M|MILIAR|MILYAR|T|TRILIUN|TRILYUN))?$'
    );
    -- M and T are miliar and triliun to us, million and thousand to others.
    if part is null or (negative and part[1] <> '') or (part[4] in ('M', 'T') and not indonesia) then return t; end if;
    negative := negative or part[1] = '-';
    -- English is the same with the two marks exchanged; a power of ten has no thousands.
    digits := case when indonesia then part[2] else translate(part[2], '.,', ',.') end;
    if part[3] is not null then
        digits := replace(part[2], ',', '.');
        if digits !~ '^[0-9]+(\.[0-9]+)?$' then return t; end if;
    elsif digits ~ '^[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]+)?$' or digits ~ '^[0-9]*,[0-9]+$' then
        digits := replace(replace(digits, '.', ''), ',', '.');
    elsif digits ~ '^[1-9][0-9]{0,2}(,[0-9]{3})+\.[0-9]+$' or digits ~ '^[1-9][0-9]{0,2}(,[0-9]{3}){2,}$' then
        digits := replace(digits, ',', '');
    elsif digits !~ '^[0-9]*(\.[0-9]+)?$' then
        return t;
    end if;
    if part[3] is null and part[4] is null then
        return case when negative then '-' else '' end || digits;
    end if;
    value := (digits || coalesce('e' || part[3], ''))::numeric * case
        when part[4] is null then 1
        when part[4] in ('RB', 'RIBU') then 1e3
        when part[4] in ('JT', 'JUTA') then 1e6
        when part[4] in ('M', 'MILIAR', 'MILYAR') then 1e9
        else 1e12
    end;
    return trim_scale(case when negative then -value else value end)::text;
end $$;

create or replace function ops.angka_id(t text) returns text language sql immutable parallel safe
return case
    when t ~ '^[-+]?[0-9]+(?:\.[0-9][0-9]?)?$' then t
    when t ~ '^-?[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]+)?$' then replace(replace(t, '.', ''), ',', '.')
    else ops.angka_panjang(t, true)
end;

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

create or replace function ops.persen_panjang(t text, factor numeric) returns text language plpgsql immutable parallel safe strict as $$
declare
    part text[];
    number text;
begin
    if length(t) > 100 then return t; end if;
    part := regexp_match(ops.rapi(t), '^(.*[0-9]\)?) ?(?:%|persen)$', 'i');
    if part is null then return ops.angka_id(t); end if;
    number := ops.angka_id(part[1]);
    if number !~ '^[-+]?[0-9]*\.?[0-9]+$' then return t; end if;
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
    part text[];
    number text;
begin
    if length(t) > 100 then return t; end if;
    part := regexp_match(
        lower(ops.rapi(t)),
        '^([^a-z]*[0-9](?: ?(?:rb|ribu|jt|juta|miliar|milyar|triliun|trilyun)(?= ))?) ?([a-z][a-z ]*(?:\^?[23]|[²³])?)\.?$'
    );
    if part is null then
        return case when t ~ '[[:alpha:]]' then t else ops.angka_id(t) end;
    end if;
    number := ops.angka_id(part[1]);
    if factors -> part[2] is null or number !~ '^[-+]?[0-9]*\.?[0-9]+$' then return t; end if;
    return trim_scale(number::numeric * (factors ->> part[2])::numeric)::text;
end $$;

-- A number with its unit in the unit of the column; factors: unit -> how many of the column's one of it is
-- (pipelines/repairs.py has them and their source). Without a unit: as angka_id.
create or replace function ops.satuan(t text, factors jsonb) returns text language sql immutable parallel safe
return case when t ~ '^[-+]?[0-9]+(?:\.[0-9][0-9]?)?$' then t else ops.satuan_panjang(t, factors) end;

create or replace function ops.koordinat_panjang(t text) returns text language plpgsql immutable parallel safe strict as $$
declare
    s text;
    part text[];
    negative boolean;
    value numeric;
begin
    if length(t) > 100 then return t; end if;
    s := upper(ops.rapi(t));
    if s ~ '^[-+]?[0-9]+(?:[.,]0*)?°?(?: ?(?:LU|LS|BT|BB|N|S|E|W))?$' or s in ('', '-') then return null; end if;
    if s ~ '^[-+]?[0-9]*[.,][0-9]+$' then return replace(s, ',', '.'); end if;
    part := regexp_match(
        s,
        '^(-?)([0-9]{1,3}(?:[.,][0-9]+)?)(?:[°º˚ ] *(?:([0-9]{1,2}(?:[.,][0-9]+)?)(?:[''’′ ] *(?:([0-9]{1,2}(?:[.,][0-9]+)?)'
        ' *(?:["”″]|''''|’’|′′)?)?)?)?)? *(LU|LS|BT|BB|N|S|E|W)?$'
    );
    -- Only the last part may have decimals; without a hemisphere and a sign nobody knows which half it is.
    if part is null or (part[3] is null and part[5] is null) or (part[1] = '' and part[5] is null)
        or (part[1] = '-' and part[5] is not null)
        or (part[3] is not null and part[2] ~ '[.,]') or (part[4] is not null and part[3] ~ '[.,]')
    then return t; end if;
    if coalesce(replace(part[3], ',', '.')::numeric, 0) >= 60 or coalesce(replace(part[4], ',', '.')::numeric, 0) >= 60 then
        return t;
    end if;
    negative := part[1] = '-' or part[5] in ('LS', 'S', 'BB', 'W');
    value := replace(part[2], ',', '.')::numeric + coalesce(replace(part[3], ',', '.')::numeric / 60, 0)
        + coalesce(replace(part[4], ',', '.')::numeric / 3600, 0);
    return trim_scale(round(case when negative then -value else value end, 8))::text;
end $$;

-- Degrees with decimals, or degrees, minutes and seconds with their hemisphere (LU LS BT BB, N S E W). A coordinate
-- cut to an integer is no place.
create or replace function ops.koordinat(t text) returns text language sql immutable parallel safe
return case when t ~ '^-?[0-9]+\.[0-9]*[1-9][0-9]*$' then t else ops.koordinat_panjang(t) end;

-- Dates ------------------------------------------------------------------------------------------------------

create or replace function ops.tanggal_id_panjang(t text) returns text language plpgsql immutable parallel safe strict as $$
declare
    months constant jsonb := '{"jan":1,"januari":1,"january":1,"feb":2,"februari":2,"february":2,"peb":2,"pebruari":2,
        "mar":3,"maret":3,"mrt":3,"march":3,"apr":4,"april":4,"mei":5,"may":5,"jun":6,"juni":6,"june":6,"jul":7,"juli":7,
        "july":7,"agu":8,"ags":8,"agt":8,"agust":8,"agustus":8,"aug":8,"august":8,"sep":9,"sept":9,"september":9,
        "okt":10,"oct":10,"oktober":10,"october":10,"nov":11,"nop":11,"november":11,"nopember":11,
        "des":12,"dec":12,"desember":12,"december":12}';
    clock constant text := '(?:,? *(?:pukul|jam|pkl\.?)? *\m([01]?[0-9]|2[0-3])[.:]([0-5][0-9])(?:[.:]([0-5][0-9]))?(?: *wita)?)?$';
    s text;
    part text[];
    result text;
begin
    if length(t) > 100 then return t; end if;
    s := regexp_replace(
        lower(ops.rapi(t)),
        '^(?:senin|selasa|rabu|kamis|jum[''’]?at|sabtu|minggu|ahad|(?:mon|tues|wednes|thurs|fri|satur|sun)day)[ ,]+', ''
    );
    if s = '' then return null; end if;
    part := regexp_match(s, '^([0-9]{1,2}) *[-/.] *([0-9]{1,2}) *[-/.] *([0-9]{4}|[0-9]{2})(?![0-9])' || clock);
    if part is null then
        part := regexp_match(s, '^([0-9]{1,2})[-/., ]+([a-z]{3,9})[-/., ]+([0-9]{4}|[0-9]{2})(?![0-9])' || clock);
    end if;
    if part is null then
        part := regexp_match(s, '^([a-z]{3,9})\.? +([0-9]{1,2}),? +([0-9]{4})(?![0-9])' || clock);
        if part is not null then part := array[part[2], part[1], part[3]] || part[4:]; end if;
    end if;
    if part is null then
        part := regexp_match(s, '^([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?![0-9])' || clock);
        if part is not null then part := array[part[3], part[2], part[1]] || part[4:]; end if;
    end if;
    if part is null then return t; end if;
    part[2] := coalesce(months ->> part[2], part[2]);
    if part[2] !~ '^[0-9]+$' then return t; end if;
    -- Two digits: 37 to 99 are 1937 to 1999, 00 to 36 are 2000 to 2036. Fixed, so that a file reads the same in ten years.
    if length(part[3]) = 2 then part[3] := case when part[3] <= '36' then '20' else '19' end || part[3]; end if;
    result := part[3] || '-' || lpad(part[2], 2, '0') || '-' || lpad(part[1], 2, '0');
    if not pg_input_is_valid(result, 'date') then return t; end if;
    return result || coalesce(' ' || lpad(part[4], 2, '0') || ':' || part[5], '') || coalesce(':' || part[6], '');
end $$;

-- Day, month, year in Indonesian order, months by number or name (also English), with or without weekday and time.
create or replace function ops.tanggal_id(t text) returns text language sql immutable parallel safe
return case when t ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:$|[ T][0-9]{2}:)' then t else ops.tanggal_id_panjang(t) end;

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
    part text[] := regexp_match(
        ops.rapi(upper(t)),
        '^([1-9][0-9]{3}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?) ?'
        '(?:(Z|UTC|GMT|WIB|WITA|WIT)|([-+])([01][0-9])(?::?([0-5][0-9]))?)$'
    );
    minutes int;
begin
    if part is null or not pg_input_is_valid(part[1] || ' ' || part[2], 'timestamp') then return t; end if;
    minutes := case part[3]
        when 'WIB' then 420 when 'WITA' then 480 when 'WIT' then 540
        else coalesce((part[4] || (part[5]::int * 60 + coalesce(part[6], '0')::int))::int, 0)
    end;
    return to_char(
        (part[1] || ' ' || part[2])::timestamp + make_interval(mins => 480 - minutes),
        case when part[2] like '%.%' then 'YYYY-MM-DD HH24:MI:SS.US' else 'YYYY-MM-DD HH24:MI:SS' end
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
        '^((PROVINSI|KABUPATEN|KOTA|KECAMATAN|KELURAHAN|DESA)\s+|(PROV|PROP|KAB|KEC|KEL)(\.\s*|\s+))', ''
    ),
    '[^A-Z0-9]+', '', 'g'
);
