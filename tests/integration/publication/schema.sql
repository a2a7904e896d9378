-- The part of the warehouse that publishing needs.
create schema mart_satu_data; create schema mart_spbe; create schema ops; create schema quarantine;
create table ops.publication_log (run_id text, mart text not null, path text not null, sha256 text not null,
    rows bigint, at timestamptz not null default clock_timestamp(), event text not null default 'terbit',
    basis jsonb, reason text);
create table ops.load_batch (state text, finished_at timestamptz);
