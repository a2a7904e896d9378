-- A question about a file that cannot be answered is tried a few times only.
alter table ops.upload_preview add column tries smallint not null default 0;
comment on column ops.upload_preview.tries is 'How often it was begun to count the answer.';
