-- What an OPD was told about its deliveries, and why a load of it failed.
alter table ops.load_batch add column failure jsonb;
comment on column ops.load_batch.failure is
    'Why the load failed by a fault of the source or file: code, message and hint. Null for faults of ours.';

create table ops.feedback (
    feedback_id bigint generated always as identity primary key,
    opd text not null,
    dataset text,
    batch_id bigint unique,
    source_name text,
    state text not null check (state in ('open', 'same', 'clean', 'resolved', 'failed')),
    folder text,
    findings bigint not null default 0,
    rows bigint not null default 0,
    mark text not null default '',
    error text,
    tries integer not null default 1,
    made_at timestamptz not null default clock_timestamp(),
    resolved_at timestamptz,
    letter jsonb,
    mailed_to text[] not null default '{}',
    mailed_at timestamptz,
    mail_error text
);
comment on table ops.feedback is
    'What an OPD was told about a load of its data, or (without a dataset) about files that no dataset takes.';
comment on column ops.feedback.state is
    'open: findings are in the outbox; same: they are those of the load before; clean: there are none; resolved: the findings are over; failed: could not be made, is tried again.';
comment on column ops.feedback.folder is 'Its folder below the upload zone; null where none was written.';
comment on column ops.feedback.mark is 'A text that changes when the findings change.';
comment on column ops.feedback.letter is 'Subject and text of the mail; null where none is wanted. They hold no value of a row.';
comment on column ops.feedback.mailed_to is 'Addresses that the mail server took it over for.';
comment on column ops.feedback.mailed_at is 'When the last of the recipients was served; null before, or if there is none.';
create index feedback_dataset on ops.feedback (dataset, feedback_id desc);
create index feedback_not_ended on ops.feedback (state) where state in ('open', 'failed');

-- What retention deletes, and what a load has resolved.
create index row_resolved on quarantine.row (updated_at) where state = 'resolved';
