-- Deleting rows whose retention is over is a batch of the ledger, so that models see a change. It is no load: it says
-- nothing about the source, nor when data arrived.
alter table ops.load_batch add column by_retention boolean;
comment on column ops.load_batch.by_retention is 'The batch deleted rows whose retention was over, and read nothing; else null.';

-- Without these, deleting old batches would search the whole quarantine for each.
create index row_first_batch on quarantine.row (first_batch_id);
create index row_last_batch on quarantine.row (last_batch_id);
