-- What each model and seed in use was built from, so that a build leaves those that could not change (adr/036).
create table ops.model_state (
    relation text primary key,
    version text not null,
    inputs jsonb not null,
    identity text not null,
    settled boolean not null default false,
    loads jsonb not null default '{}',
    pending datemultirange not null default '{}',
    run_id text,
    built_at timestamptz not null default clock_timestamp()
);
comment on table ops.model_state is 'From what each model and seed in use was built. Delete a row, and the model is built again.';
comment on column ops.model_state.version is 'Changes when the rows can have changed.';
comment on column ops.model_state.inputs is 'All that the build depended on, by name: SQL, tests, relations that were read, the date.';
comment on column ops.model_state.identity is 'Which relation was released; another one in its place is built again.';
comment on column ops.model_state.settled is 'Incremental models: the last build from these inputs changed no row.';
comment on column ops.model_state.loads is 'Incremental models: the last load of each dataset that the build saw.';
comment on column ops.model_state.pending is 'Incremental models: days that loads changed and no build has made again.';

-- Seeds are in ops.model_state, too. Each is loaded once more.
drop table if exists ops.seed_state;
