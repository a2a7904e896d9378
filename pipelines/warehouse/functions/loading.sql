-- Functions that the statements of a load and the queries of the ledger call.
-- Not here: repairs (parsers.sql), checks of a text's shape (checks.sql).

-- A key as an entry of an index may hold it: 2,704 bytes are all that a B-tree takes, a dataset's name among them.
-- PL/pgSQL, because PostgreSQL inlines no SQL function that uses its argument twice if that costs more than ten
-- operators, as most keys do, and the call of such a function takes four times as long.
create or replace function ops.kunci_ringkas(t text) returns text language plpgsql immutable parallel safe as $$
begin
    return case when octet_length(t) <= 1000 then t else left(t, 200) || '... ' || md5(t) end;
end
$$;

-- HMAC-SHA-256 (RFC 2104, section 2) of purpose and value. The key's inner and outer pads are settings of the
-- session (load/pseudonyms.py puts them there), so the key is never in a statement's text and needs no extension.
-- Statements take both from subqueries, which PostgreSQL runs once and not for each row (load/stage/cells.py).
create or replace function ops.bantalan_dalam(purpose text) returns bytea language sql stable parallel safe
return decode(current_setting('gudang.ipad_' || purpose), 'hex') || convert_to(purpose || chr(31), 'UTF8');

create or replace function ops.bantalan_luar(purpose text) returns bytea language sql stable parallel safe
return decode(current_setting('gudang.opad_' || purpose), 'hex');

create or replace function ops.pseudonim(t text, dalam bytea, luar bytea) returns text language sql stable parallel safe
return encode(sha256(luar || sha256(dalam || convert_to(t, 'UTF8'))), 'hex');

-- When a load was applied or ended, which says which of a dataset's loads is the newest: an approval ends an older load
-- after newer ones, so the highest number does not say it. A load that runs is the newest; one whose place another load
-- took, the oldest.
create or replace function ops.applied_at(state text, finished_at timestamptz) returns timestamptz
language sql immutable parallel safe
return case when state = 'superseded' then '-infinity'::timestamptz else coalesce(finished_at, 'infinity') end;

-- The days that a load brought, and its checks looked at: its window, or the periods of its file; null for the whole
-- table. The body is a text, so that the table that it reads can still be changed by a migration.
create or replace function ops.days_of_load(batch_id bigint, window_start date, window_end date) returns datemultirange
language sql stable parallel safe as $$
select case
    when $2 is not null then datemultirange(daterange($2, $3, '[]'))
    else (select range_agg(p.days) from ops.load_period as p where p.batch_id = $1)
end
$$;
