-- The schemas, the ledger and the quarantine, as they were before migrations had numbers.
--
-- A warehouse of that time has some or all of this already: so each statement makes only what is missing. Later
-- migrations need no "if not exists".
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

-- Columns that a table got after its first version: a warehouse may be of any time before.
alter table ops.load_batch
    add column if not exists whole boolean not null default false,
    add column if not exists found jsonb not null default '{}',
    add column if not exists rules text,
    add column if not exists rows_in_raw bigint,
    add column if not exists data_until timestamptz,
    add column if not exists has_sample boolean,
    add column if not exists rows_damaged bigint not null default 0,
    add column if not exists rows_unreachable bigint;
alter table ops.watermark
    add column if not exists source_text text,
    add column if not exists column_name text;
alter table ops.publication_log
    add column if not exists peristiwa text not null default 'terbit',
    add column if not exists dasar jsonb,
    add column if not exists alasan text;

create index if not exists load_batch_dataset on ops.load_batch (dataset, batch_id desc);
create index if not exists schema_drift_dataset on ops.schema_drift (dataset, drift_id desc);
create index if not exists upload_seen_name on ops.upload_seen (dataset, name, seen_id desc);
create index if not exists check_result_asset on ops.check_result (asset, check_name, at desc);
create unique index if not exists row_open on quarantine.row (dataset, row_hash) where state = 'open';
create index if not exists row_dataset_key on quarantine.row (dataset, row_key) where state = 'open';

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
