-- What an OPD has confirmed: an unusual value is right, so that its row may be loaded (soft rules, `konfirmasi`).
create table quarantine.confirmation (
    confirmation_id bigint generated always as identity primary key,
    dataset text not null,
    column_name text not null,
    rule text not null,
    cell_hash text not null,
    confirmed_by text not null,
    via text not null check (via in ('file', 'loket', 'command')),
    batch_id bigint,
    reason text not null,
    confirmed_at timestamptz not null default clock_timestamp(),
    unique (dataset, column_name, rule, cell_hash)
);
comment on table quarantine.confirmation is
    'Cells that break a soft rule and are right, as the OPD or the walidata has confirmed: the next load accepts them.';
comment on column quarantine.confirmation.cell_hash is
    'A hash of the row''s key (or of all its cells) and of the cell. Personal values go into it as pseudonyms only.';
comment on column quarantine.confirmation.confirmed_by is
    'The name of the person, or the OPD where only its file is known.';
comment on column quarantine.confirmation.batch_id is 'The load that read the confirmation from a file; null for the others.';

alter table ops.load_batch add column rows_confirmed bigint;
comment on column ops.load_batch.rows_confirmed is
    'Rows that break a soft rule and were accepted because the OPD has confirmed their cells. Null for older loads.';
