-- Repaired cells are a share of all cells that were read: the scores of quality need the number of columns.
alter table ops.contract add column column_count integer;

comment on column ops.contract.column_count is 'How many columns the contract has. Null until the next start.';
