-- What a warehouse needs before the first load. Idempotent: run at the start of every night.
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
create index if not exists load_batch_dataset on ops.load_batch (dataset, batch_id desc);
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
create index if not exists schema_drift_dataset on ops.schema_drift (dataset, drift_id desc);
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
create index if not exists check_result_asset on ops.check_result (asset, check_name, at desc);

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
    at timestamptz not null default clock_timestamp()
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
create unique index if not exists row_open on quarantine.row (dataset, row_hash) where state = 'open';
create index if not exists row_dataset_key on quarantine.row (dataset, row_key) where state = 'open';
comment on table quarantine.row is 'Rows that a load refused, with every reason; values of personal columns are masked.';

-- Parsers: declared repairs. Each gives text that PostgreSQL can cast, NULL for "no value", or its input where
-- it knows nothing better (the cast then fails and the row is quarantined with the original).

create or replace function ops.angka_id_panjang(t text) returns text language plpgsql immutable parallel safe strict as $$
declare
    s text := upper(regexp_replace(t, '[\s\u00a0]+', '', 'g'));
    negative boolean := false;
    factor numeric := 1;
begin
    if s = '' or s = '-' then return null; end if;
    s := regexp_replace(s, '^(RP\.?|IDR)', '');
    if s like '(%)' then negative := true; s := substr(s, 2, length(s) - 2); end if;
    if s ~ '[0-9](M|MILIAR)$' then factor := 1e9;
    elsif s ~ '[0-9](JT|JUTA)$' then factor := 1e6;
    elsif s ~ '[0-9](T|TRILIUN)$' then factor := 1e12;
    elsif s ~ '[0-9](RB|RIBU)$' then factor := 1e3;
    end if;
    s := regexp_replace(s, '(M|MILIAR|JT|JUTA|T|TRILIUN|RB|RIBU|,-)$', '');
    if s ~ '^[-+]?\d{1,3}(\.\d{3})*(,\d+)?$' or s ~ '^[-+]?\d+(,\d+)?$' then
        s := replace(replace(s, '.', ''), ',', '.');
    elsif s ~ '^[-+]?\d{1,3}(,\d{3})+\.\d+$' then
        s := replace(s, ',', '');
    elsif s !~ '^[-+]?\d+\.\d+$' then
        return t;
    end if;
    if factor = 1 and not negative then return s; end if;
    return (case when negative then -(s::numeric) else s::numeric end * factor)::text;
end $$;

-- The common case is inlined into the query; only the others pay for a call.
create or replace function ops.angka_id(t text) returns text language sql immutable parallel safe
return case when t ~ '^[-+]?\d{1,3}(\.\d{3})*$' then replace(t, '.', '') else ops.angka_id_panjang(t) end;

create or replace function ops.tanggal_id(t text) returns text language plpgsql immutable parallel safe strict as $$
declare
    part text[] := regexp_match(lower(btrim(t)), '^(\d{1,2})[-/. ]+([a-z]+|\d{1,2})[-/. ]+(\d{4}|\d{2})$');
    months constant text[] := array['jan', 'feb', 'mar', 'apr', 'mei', 'jun', 'jul', 'agu', 'sep', 'okt', 'nov', 'des'];
    month int;
    year int;
begin
    if part is null then return t; end if;
    if part[2] ~ '^\d' then month := part[2]::int;
    else month := array_position(months, left(replace(replace(part[2], 'pebr', 'febr'), 'ags', 'agu'), 3));
    end if;
    if month is null then return t; end if;
    year := part[3]::int;
    -- Two digits: the century that puts the year at most ten years ahead of 2026.
    if length(part[3]) = 2 then year := year + case when year <= 36 then 2000 else 1900 end; end if;
    return format('%s-%s-%s', lpad(year::text, 4, '0'), lpad(month::text, 2, '0'), lpad(part[1], 2, '0'));
end $$;

create or replace function ops.tanggal_nol(t text) returns text language sql immutable parallel safe
return case when t like '0000-00-00%' then null else t end;

create or replace function ops.koordinat(t text) returns text language sql immutable parallel safe
return case when t ~ '^\s*[-+]?\d+\s*$' then null else replace(t, ',', '.') end;

create or replace function ops.teks(t text) returns text language sql immutable parallel safe
return nullif(btrim(regexp_replace(t, '[\s\u00a0\u200b\u200c\u200d\ufeff]+', ' ', 'g')), '');

create or replace function ops.bilangan_bulat(t text) returns text language sql immutable parallel safe
return regexp_replace(btrim(t), '\.0+$', '');

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

-- HMAC-SHA-256 (RFC 2104, section 2) of purpose and value. The key's inner and outer pads are settings of the
-- session (load/warehouse.py puts them there), so the key is never in a statement's text and needs no extension.
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
