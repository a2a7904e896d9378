-- Which checks there are now. Without it, the last result of a check that was removed or renamed would stand for ever.
create table ops.declared_check (
    asset text not null,
    check_name text not null,
    gone_at timestamptz,
    primary key (asset, check_name)
);
comment on table ops.declared_check is
    'The checks of each dataset and model, renewed by loads and builds. A check without a row counts, too.';
comment on column ops.declared_check.gone_at is
    'Since when contract, suite or model has it no more; null while they have it.';

-- The next load or build of each asset finds out which of these are gone.
insert into ops.declared_check (asset, check_name) select distinct asset, check_name from ops.check_result;
