-- The same rows under the same rules need not be checked or published again (adr/042).
alter table ops.load_batch add column gate_basis text;

comment on column ops.load_batch.gate_basis is
    'Hash of the staged rows and of all that their suite depends on, if every rule passed; else null.';

create table ops.publication_state (
    folder text primary key,
    inputs text not null,
    files text not null,
    run_id text,
    at timestamptz not null default clock_timestamp()
);
comment on table ops.publication_state is 'From what each folder of published files was made. Delete a row, and all is published again.';
comment on column ops.publication_state.inputs is 'Hash of marts, ledger, contracts, models and program.';
comment on column ops.publication_state.files is 'Hash of the files that were made of them, and are shown.';
