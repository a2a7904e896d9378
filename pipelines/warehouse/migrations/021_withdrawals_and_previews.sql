-- A confirmation can be taken back; then the same cell may be confirmed anew.
alter table quarantine.confirmation drop constraint confirmation_dataset_column_name_rule_cell_hash_key;
create index confirmation_cell on quarantine.confirmation (dataset, column_name, rule, cell_hash);

create table quarantine.withdrawal (
    confirmation_id bigint primary key references quarantine.confirmation on delete cascade,
    withdrawn_by text not null,
    via text not null check (via in ('loket', 'command')),
    reason text not null,
    withdrawn_at timestamptz not null default clock_timestamp(),
    reopened_at timestamptz
);
create index withdrawal_open on quarantine.withdrawal (confirmation_id) where reopened_at is null;
comment on table quarantine.withdrawal is
    'Confirmations that were taken back, by whom, when and why: the next load judges the cells again.';
comment on column quarantine.withdrawal.reopened_at is
    'When the row''s entry was opened again, so that its source is read again. Null until the next load.';

-- What a load of a file would do: the upload page asks, Dagster answers.
create table ops.upload_preview (
    preview_id bigint generated always as identity primary key,
    dataset text not null,
    name text not null,
    place text not null,
    asked_by text not null,
    asked_at timestamptz not null default clock_timestamp(),
    done_at timestamptz,
    found jsonb
);
create index upload_preview_open on ops.upload_preview (preview_id) where done_at is null;
comment on table ops.upload_preview is 'Files of which the upload page has asked what a load of them would do.';
comment on column ops.upload_preview.place is 'The hidden name of the file in the dataset''s folder of the upload zone.';
comment on column ops.upload_preview.found is 'The answer (feedback/preview.py); null until Dagster has given it.';
