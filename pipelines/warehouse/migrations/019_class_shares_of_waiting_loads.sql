-- A load that waits for approval keeps its classes beside those of the last accepted load (adr/049).
alter table ops.class_share drop constraint class_share_pkey;
alter table ops.class_share add primary key (dataset, batch_id, column_name, class);
comment on table ops.class_share is 'Rows by class of the last accepted load and of the loads that wait for approval; only columns of class terbuka.';
