-- Which periods a load of an upload brought, where files replace periods (adr/048).
create table ops.load_period (
    batch_id bigint not null references ops.load_batch on delete cascade,
    days daterange not null,
    rows bigint not null,
    seen_id bigint,
    primary key (batch_id, days)
);
comment on table ops.load_period is 'The periods of an upload that replaces periods.';
comment on column ops.load_period.days is 'The days of the period.';
comment on column ops.load_period.rows is 'Rows that the file has in the period; 0 if its correction took the period away.';
comment on column ops.load_period.seen_id is 'ops.upload_seen: when the file got the content that was loaded. The order of files.';
