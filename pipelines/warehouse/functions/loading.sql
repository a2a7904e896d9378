-- Functions that the statements of a load and the queries of the ledger call. Not here: repairs (parsers.sql), checks of a text's shape (checks.sql).

-- Asked by the statement that makes a stage (load/stage/statement.py) about a landing row that breaks a rule: notes the row for
-- the quarantine, so that no rule has to be asked twice, and leaves it out.
create or replace function ops.tolak(rid tid) returns boolean language plpgsql volatile as $$
begin
    insert into pg_temp.rejected_rows values (rid);
    return false;
end $$;

-- A key as an entry of an index may hold it: 2,704 bytes are all that a B-tree takes, a dataset's name among them.
create or replace function ops.kunci_ringkas(t text) returns text language sql immutable parallel safe
return case when octet_length(t) <= 1000 then t else left(t, 200) || '... ' || md5(t) end;

-- HMAC-SHA-256 (RFC 2104, section 2) of purpose and value. The key's inner and outer pads are settings of the
-- session (load/pseudonyms.py puts them there), so the key is never in a statement's text and needs no extension.
create or replace function ops.pseudonim(t text, purpose text) returns text language sql stable parallel safe
return encode(
    sha256(
        decode(current_setting('gudang.opad_' || purpose), 'hex')
        || sha256(
            decode(current_setting('gudang.ipad_' || purpose), 'hex') || convert_to(purpose || chr(31) || t, 'UTF8')
        )
    ),
    'hex'
);

-- When a load was applied or ended, which says which of a dataset's loads is the newest: an approval ends an older load
-- after newer ones, so the highest number does not say it. A load that runs is the newest; one whose place another load
-- took, the oldest.
create or replace function ops.applied_at(state text, finished_at timestamptz) returns timestamptz
language sql immutable parallel safe
return case when state = 'superseded' then '-infinity'::timestamptz else coalesce(finished_at, 'infinity') end;
