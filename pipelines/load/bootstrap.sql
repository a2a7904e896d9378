-- What a warehouse needs before the first load. Idempotent: run at the start of every night, and of every load by hand,
-- while others read and load. So nothing here asks for a lock that a reader or a load would have to give: a table is not
-- altered, an index or view not made ("if not exists" locks before it looks), unless there is something to be changed.
create schema if not exists landing;
create schema if not exists raw;
create schema if not exists quarantine;
create schema if not exists staging;
create schema if not exists core;
create schema if not exists mart_satu_data;
create schema if not exists mart_spbe;
create schema if not exists ops;

create table if not exists ops.contract (
    dataset text primary key,
    judul text not null,
    produsen text not null,
    domain text not null,
    jenis_sumber text not null,
    frekuensi_hari numeric,
    latensi_jam numeric,
    klasifikasi text not null,
    publikasi boolean not null
);
comment on table ops.contract is 'What the contracts promise: a copy of contracts/, renewed at every start.';

create table if not exists ops.load_batch (
    batch_id bigint generated always as identity primary key,
    dataset text not null,
    run_id text,
    window_start date,
    window_end date,
    source_name text,
    source_fingerprint text,
    rows_read bigint not null default 0,
    rows_loaded bigint not null default 0,
    rows_unchanged bigint not null default 0,
    rows_quarantined bigint not null default 0,
    rows_deleted bigint not null default 0,
    state text not null default 'running'
        check (state in ('running', 'loaded', 'unchanged', 'rejected', 'failed', 'died')),
    error text,
    seconds jsonb not null default '{}',
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
comment on table ops.load_batch is 'The ledger: one row per load of one dataset.';

create table if not exists ops.load_repair (
    batch_id bigint not null references ops.load_batch on delete cascade,
    column_name text not null,
    repair text not null,
    rows bigint not null,
    primary key (batch_id, column_name, repair)
);
comment on table ops.load_repair is 'How many cells each declared repair changed in a load.';

create table if not exists ops.watermark (
    dataset text primary key,
    value text not null,
    batch_id bigint not null
);
comment on table ops.watermark is 'The highest cursor value published, in the source''s own clock.';

create table if not exists ops.source_shape (
    dataset text primary key,
    contract_version text not null,
    shape jsonb not null,
    batch_id bigint not null,
    at timestamptz not null default clock_timestamp()
);
comment on table ops.source_shape is 'The columns that a source had when it was last loaded: name to kind.';

create table if not exists ops.schema_drift (
    drift_id bigint generated always as identity primary key,
    dataset text not null,
    batch_id bigint not null,
    kind text not null check (kind in ('added', 'vanished', 'retyped', 'refused')),
    column_name text not null,
    was text,
    now text,
    at timestamptz not null default clock_timestamp()
);
comment on table ops.schema_drift is 'Changes of a source''s shape, each at the load that met it.';

create table if not exists ops.reconciliation (
    dataset text not null,
    batch_id bigint not null,
    rows_at_source bigint not null,
    rows_deleted bigint not null,
    rows_overlooked bigint not null,
    reconciled_at timestamptz not null default clock_timestamp(),
    primary key (dataset, batch_id)
);
comment on table ops.reconciliation is 'When the keys of a source were read, and what was found gone or overlooked.';

create table if not exists ops.empty_window (
    dataset text not null,
    day date not null,
    batch_id bigint not null,
    since timestamptz not null default clock_timestamp(),
    primary key (dataset, day)
);
comment on table ops.empty_window is 'Days of which raw has rows and the source had none when last asked; not taken over.';

create table if not exists ops.upload_seen (
    seen_id bigint generated always as identity primary key,
    dataset text not null,
    name text not null,
    sha256 text not null,
    mtime double precision not null,
    stamp text not null,
    seen_at timestamptz not null default clock_timestamp(),
    outcome text check (outcome in ('loaded', 'unchanged', 'rejected', 'failed')),
    contract_mark text
);
comment on table ops.upload_seen is 'Files in the upload zone in the order in which they were first seen: a row for each name and content, and each time it was put there again.';
comment on column ops.upload_seen.mtime is 'What the file says of its own time (seconds since 1970); not asked for the order.';
comment on column ops.upload_seen.outcome is 'What became of its load; empty until the file itself was judged.';
comment on column ops.upload_seen.contract_mark is 'By which text of the contract: another one tries again.';

create table if not exists ops.pseudonym_key (
    dataset text not null,
    purpose text not null,
    fingerprint text not null,
    since timestamptz not null default clock_timestamp(),
    primary key (dataset, purpose)
);
comment on table ops.pseudonym_key is 'Which key a dataset''s pseudonyms were made with, by a fingerprint of it.';

create table if not exists ops.check_result (
    run_id text,
    batch_id bigint,
    asset text not null,
    check_name text not null,
    severity text not null check (severity in ('error', 'warn')),
    passed boolean not null,
    unexpected bigint,
    total bigint,
    message text,
    at timestamptz not null default clock_timestamp()
);

create table if not exists ops.model_run (
    run_id text,
    model text not null,
    state text not null,
    rows bigint,
    seconds double precision,
    error text,
    at timestamptz not null default clock_timestamp()
);

create table if not exists ops.publication_log (
    run_id text,
    mart text not null,
    path text not null,
    sha256 text not null,
    rows bigint,
    at timestamptz not null default clock_timestamp(),
    peristiwa text not null default 'terbit',
    dasar jsonb,
    alasan text
);

create table if not exists quarantine.row (
    entry_id bigint generated always as identity primary key,
    dataset text not null,
    first_batch_id bigint not null,
    last_batch_id bigint not null,
    source_position text,
    row_key text,
    row jsonb not null,
    reasons jsonb not null,
    row_hash text not null,
    state text not null default 'open' check (state in ('open', 'resubmitted', 'resolved')),
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
comment on table quarantine.row is 'Rows that a load refused, with every reason; values of personal columns are masked.';
comment on column quarantine.row.last_batch_id is 'The load that brought the row, or last found it elsewhere (line, file).';

-- Columns that a table got after its first version, and indexes.
do $$
declare
    missing record;
begin
    for missing in
        select c.*
        from (
            values
                ('ops.load_batch', 'whole', 'boolean not null default false'),
                ('ops.load_batch', 'found', 'jsonb not null default ''{}'''),
                ('ops.load_batch', 'rules', 'text'),
                ('ops.load_batch', 'rows_in_raw', 'bigint'),
                ('ops.load_batch', 'data_until', 'timestamptz'),
                ('ops.load_batch', 'has_sample', 'boolean'),
                ('ops.load_batch', 'rows_damaged', 'bigint not null default 0'),
                ('ops.load_batch', 'rows_unreachable', 'bigint'),
                ('ops.watermark', 'source_text', 'text'),
                ('ops.watermark', 'column_name', 'text'),
                ('ops.publication_log', 'peristiwa', 'text not null default ''terbit'''),
                ('ops.publication_log', 'dasar', 'jsonb'),
                ('ops.publication_log', 'alasan', 'text')
        ) as c (relation, name, type)
        where not exists (
            select from pg_attribute as a
            where a.attrelid = c.relation::regclass and a.attname = c.name and not a.attisdropped
        )
    loop
        execute format('alter table %s add column %I %s', missing.relation, missing.name, missing.type);
    end loop;
    for missing in
        select i.*
        from (
            values
                ('', 'ops.load_batch_dataset', 'ops.load_batch (dataset, batch_id desc)'),
                ('', 'ops.schema_drift_dataset', 'ops.schema_drift (dataset, drift_id desc)'),
                ('', 'ops.upload_seen_name', 'ops.upload_seen (dataset, name, seen_id desc)'),
                ('', 'ops.check_result_asset', 'ops.check_result (asset, check_name, at desc)'),
                ('unique', 'quarantine.row_open', 'quarantine.row (dataset, row_hash) where state = ''open'''),
                ('', 'quarantine.row_dataset_key', 'quarantine.row (dataset, row_key) where state = ''open''')
        ) as i (kind, name, place)
        where to_regclass(i.name) is null
    loop
        execute format('create %s index %I on %s', missing.kind, split_part(missing.name, '.', 2), missing.place);
    end loop;
end $$;
comment on column ops.publication_log.peristiwa is 'terbit, or ditarik: the file went.';
comment on column ops.publication_log.dasar is 'On what basis columns that come from closed data left, by column (adr/024).';
comment on column ops.publication_log.alasan is 'Why a file was withdrawn.';
comment on column ops.load_batch.whole is 'A full refresh: what was loaded before no longer stands.';
comment on column ops.load_batch.rules is 'By what rules rows were refused: a mark of the contract and of what its references allowed.';
comment on column ops.load_batch.rows_in_raw is
    'Rows in force in raw after the load (deleted and former versions left out); null where an earlier row holds.';
comment on column ops.load_batch.has_sample is
    'Whether raw has rows in force whose source was made up (the demo); null where an earlier row holds.';
comment on column ops.load_batch.data_until is
    'End of the newest period in raw after the load; null where the contract declares none.';
comment on column ops.load_batch.rows_damaged is 'Rows with bytes that no text has here: replaced by U+FFFD.';
comment on column ops.load_batch.rows_unreachable is
'Rows of the source without a usable cursor or date, which no read of a part finds; NULL where nobody could count them.';
comment on column ops.watermark.column_name is 'The source''s column that it is a value of; NULL in a mark of an earlier version.';
comment on column ops.watermark.source_text is 'The value as an API wrote it: what the API is asked from.';
comment on column ops.load_batch.found is 'What had to be found out of the source: a CSV file''s encoding, delimiter, quote.';

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

-- What models and people read of the ledger and of the quarantine. A view is replaced only where it is another now.
-- One row per reason of each quarantined row.
create temporary view quarantine_reason as
select
    q.entry_id,
    q.dataset,
    q.state,
    q.updated_at,
    r.reason ->> 'kolom' as kolom,
    r.reason ->> 'aturan' as aturan,
    r.reason ->> 'nilai' as nilai
from quarantine.row as q
cross join lateral jsonb_array_elements(q.reasons) as r (reason);

-- Where each dataset stands. An upload arrived when the bytes of its newest good file were first seen (upload_seen) or
-- read, however often they were read since. A table arrived with its newest period (data_until) or, where it declares none, its last
-- change; a period never lies after the load that brought it.
create temporary view dataset_state as
with
good as (
    select distinct on (b.dataset) b.dataset, b.source_fingerprint is not null as is_file
    from ops.load_batch as b
    where b.state in ('loaded', 'unchanged')
    order by b.dataset, b.batch_id desc
),
content as (
    select b.dataset, split_part(b.source_fingerprint, ':', 1) as sha256, min(b.started_at) as first_read
    from ops.load_batch as b
    where b.source_fingerprint is not null
    group by 1, 2
    having bool_or(b.state in ('loaded', 'unchanged'))
),
sight as (
    select u.dataset, u.sha256, min(u.seen_at) as first_seen from ops.upload_seen as u group by u.dataset, u.sha256
),
file as (
    select c.dataset, max(least(c.first_read, i.first_seen)) as first_seen
    from content as c
    left join sight as i on i.dataset = c.dataset and i.sha256 = c.sha256
    group by c.dataset
),
change as (
    select b.dataset, max(b.finished_at) as changed_at
    from ops.load_batch as b
    where b.state = 'loaded'
    group by b.dataset
),
standing as (
    select distinct on (b.dataset) b.dataset, b.rows_in_raw, b.data_until, b.has_sample
    from ops.load_batch as b
    where b.rows_in_raw is not null
    order by b.dataset, b.batch_id desc
),
last as (
    select distinct on (b.dataset) b.dataset, b.state
    from ops.load_batch as b
    where b.state <> 'running'
    order by b.dataset, b.batch_id desc
),
waiting as (
    select q.dataset, count(*) as rows_quarantined from quarantine.row as q where q.state = 'open' group by q.dataset
)
select
    l.dataset,
    case
        when g.is_file then f.first_seen
        when c.changed_at is not null then least(c.changed_at, s.data_until)
    end as arrived_at,
    c.changed_at,
    s.data_until,
    s.rows_in_raw,
    coalesce(w.rows_quarantined, 0) as rows_quarantined,
    l.state as last_state,
    coalesce(s.has_sample, false) as has_sample
from last as l
left join good as g on g.dataset = l.dataset
left join file as f on f.dataset = l.dataset
left join change as c on c.dataset = l.dataset
left join standing as s on s.dataset = l.dataset
left join waiting as w on w.dataset = l.dataset;

do $$
declare
    wanted text;
    name text;
begin
    foreach name in array array['quarantine_reason', 'dataset_state'] loop
        wanted := pg_get_viewdef(format('pg_temp.%I', name)::regclass);
        if pg_get_viewdef(to_regclass(format('ops.%I', name))) is distinct from wanted then
            execute format('create or replace view ops.%I as %s', name, wanted);
        end if;
    end loop;
end $$;
drop view pg_temp.quarantine_reason;
drop view pg_temp.dataset_state;
comment on view ops.quarantine_reason is 'Why rows were refused, one row per reason; values of personal columns are masked.';
comment on view ops.dataset_state is
    'Where each dataset stands: when it arrived, how many rows of it are in force, how many wait in quarantine.';

-- How alike two names are, 0 to 1, for the suggestions of core.antrean_nama_wilayah. pg_trgm is a trusted extension:
-- who may create in the database may create it. Where a managed server does not have it the warehouse must still
-- stand: then there are no suggestions, and the queue says what to ask of the server's keeper.
do $$
declare
    home text;
begin
    if not exists (select from pg_extension where extname = 'pg_trgm') then
        begin
            create extension pg_trgm with schema ops;
        exception
            when insufficient_privilege or undefined_file or feature_not_supported or undefined_object then
                raise warning 'pg_trgm cannot be created (%): names of regions get no suggestions', sqlerrm;
        end;
    end if;
    select n.nspname into home from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace
    where e.extname = 'pg_trgm';
    execute format(
        'create or replace function ops.kemiripan(a text, b text) returns real language sql immutable parallel safe return %s',
        case when home is null then 'null::real' else format('%I.similarity(a, b)', home) end
    );
end $$;
