-- Loads that a person has to approve: what waits, and what was decided about it.
alter table ops.load_batch drop constraint load_batch_state_check;
alter table ops.load_batch add constraint load_batch_state_check
    check (state in ('running', 'loaded', 'unchanged', 'rejected', 'failed', 'died', 'waiting', 'superseded'));
alter table ops.upload_seen drop constraint upload_seen_outcome_check;
alter table ops.upload_seen add constraint upload_seen_outcome_check
    check (outcome in ('loaded', 'unchanged', 'rejected', 'failed', 'waiting'));

create table ops.load_approval (
    batch_id bigint primary key references ops.load_batch on delete cascade,
    waiting_since timestamptz not null,
    contract_mark text not null,
    file text,
    since text,
    allow_empty boolean not null,
    exact text[] not null,
    shape jsonb not null,
    cursor_text text,
    key_fingerprints jsonb not null,
    rows_staged bigint not null,
    rows_new bigint not null,
    rows_changed bigint not null,
    rows_unchanged bigint not null,
    rows_deleted bigint not null
);
comment on table ops.load_approval is
    'A load that passed the gate and waits, or waited, for approval: how it is applied, and what it would change.';
comment on column ops.load_approval.waiting_since is
    'Since when an approval of the dataset is awaited: that of the waiting load which this one took the place of.';
comment on column ops.load_approval.contract_mark is 'Hash of the contract by which the rows were staged.';

create table ops.load_decision (
    decision_id bigint generated always as identity primary key,
    batch_id bigint not null,
    decision text not null check (decision in ('approved', 'rejected')),
    reason text,
    decided_by text not null,
    via text not null default 'loket',
    decided_at timestamptz not null default clock_timestamp(),
    done_at timestamptz,
    error text,
    check (decision = 'approved' or length(trim(reason)) > 0)
);
create index load_decision_batch on ops.load_decision (batch_id, decision_id desc);
create index load_decision_open on ops.load_decision (decision_id) where done_at is null;
comment on table ops.load_decision is 'Who approved or rejected which load, when and why.';
comment on column ops.load_decision.done_at is 'When it was carried out; null for one of the upload page that is not yet.';
comment on column ops.load_decision.error is 'Why it could not be carried out.';
