-- What a load did in the numbers of its preview: new, changed, unchanged, refused.
alter table ops.load_batch add column rows_new bigint;
comment on column ops.load_batch.rows_new is 'Of rows_loaded those whose key raw did not have; the others changed a row. Null for older loads.';
