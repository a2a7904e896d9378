-- Checks of a text's shape, by the names of `logicalTypeOptions.format` in a contract: true for a good one.
--
-- What belongs here: ops.cek_<format>(text), immutable, never raising, inlined where they are one regular expression.
-- Not here: repairs (parsers.sql), what a format means to an OPD (pipelines/contracts/repairs.py).
-- They look at cleaned text, before it becomes a pseudonym. A shape is no proof that the number was ever issued.

-- PP 37/2007, pasal 37 (1): 6 digits region, 6 digits birth date (women: day + 40), 4 digits serial, from 0001.
create or replace function ops.cek_nik(t text) returns boolean language sql immutable parallel safe
return t ~ '^[1-9][0-9](?:0[1-9]|[1-9][0-9]){2}(?:0[1-9]|[12][0-9]|3[01]|4[1-9]|[56][0-9]|7[01])(?:0[1-9]|1[0-2])[0-9]{6}$'
    and right(t, 4) <> '0000' and t <> repeat(left(t, 1), 16);

-- Perka BKN 22/2007: birth date yyyymmdd, appointment yyyymm, sex 1 or 2, serial of 3. Where PNS have the month, PPPK
-- have 21 to 32 (seen in use; the text of a regulation was not found).
create or replace function ops.cek_nip(t text) returns boolean language sql immutable parallel safe
return t ~ '^(?:19|20)[0-9]{2}(?:(?:0[1-9]|1[0-2])(?:0[1-9]|1[0-9]|2[0-8])|(?:0[1-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31)(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2]|2[1-9]|3[0-2])[12][0-9]{3}$'
    and substr(t, 5, 4) <> '0230' and right(t, 3) <> '000';

-- PMK 112/PMK.03/2022: 16 digits; before it 15, also written 09.254.294.3-407.000.
create or replace function ops.cek_npwp(t text) returns boolean language sql immutable parallel safe
return t ~ '^(?:[0-9]{15,16}|[0-9]{2}\.[0-9]{3}\.[0-9]{3}\.[0-9]-[0-9]{3}\.[0-9]{3})$' and t !~ '^[0.-]+$';

-- Kemendikbud's Referensi Data: 8 digits; non-formal schools may have a letter first.
create or replace function ops.cek_npsn(t text) returns boolean language sql immutable parallel safe
return t ~ '^[1-9A-Z][0-9]{7}$';

-- PP 24/2018: 13 random digits.
create or replace function ops.cek_nib(t text) returns boolean language sql immutable parallel safe
return t ~ '^[0-9]{13}$' and t <> repeat(left(t, 1), 13);

-- Kepmendagri 300.2.2-2430/2025: 2, 4, 6 or 10 digits, with the dots or without; a village begins with 1 (kelurahan),
-- 2 (desa) or 3 (desa adat).
create or replace function ops.cek_kode_kemendagri(t text) returns boolean language sql immutable parallel safe
return t ~ '^[1-9][0-9](?:\.[0-9]{2}(?:\.[0-9]{2}(?:\.[123][0-9]{3})?)?|[0-9]{2}(?:[0-9]{2}(?:[123][0-9]{3})?)?)?$';

-- BPS, Master File Desa: 2, 4, 7 or 10 digits, never with dots.
create or replace function ops.cek_kode_bps(t text) returns boolean language sql immutable parallel safe
return t ~ '^[1-9][0-9](?:[0-9]{2}(?:[0-9]{3}(?:[0-9]{3})?)?)?$';

-- WHATWG HTML, "valid e-mail address", with at least one dot after the @; at most 254 characters (RFC 3696, erratum 1690).
create or replace function ops.cek_email(t text) returns boolean language sql immutable parallel safe
return t ~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+$'
    and char_length(t) <= 254;

-- ITU E.164: at most 15 digits with the country code; here +62, 62 or 0, with the blanks and marks that people write.
create or replace function ops.cek_telepon(t text) returns boolean language sql immutable parallel safe
return t ~ '^(?:\+?62|\(?0)[- .()]*[1-9][- .()0-9]*$'
    and char_length(translate(t, '+-. ()', '')) between 8 and 15;

-- Pos Indonesia: 5 digits, the first is 1 to 9.
create or replace function ops.cek_kode_pos(t text) returns boolean language sql immutable parallel safe
return t ~ '^[1-9][0-9]{4}$';

-- Perpol 7/2021: region of 1 or 2 letters, 1 to 4 digits, up to 3 letters.
create or replace function ops.cek_plat_nomor(t text) returns boolean language sql immutable parallel safe
return t ~ '^[A-Z]{1,2} ?[1-9][0-9]{0,3} ?[A-Z]{0,3}$';
