-- How the last accepted load of a dataset is distributed over the classes of its columns (adr/049).
create table ops.class_share (
    dataset text not null,
    column_name text not null,
    class text not null,
    rows bigint not null,
    batch_id bigint not null,
    primary key (dataset, column_name, class)
);
comment on table ops.class_share is 'Rows by class of the last accepted load; only columns of class terbuka.';
comment on column ops.class_share.class is 'Empty for rows without a value.';
comment on column ops.class_share.batch_id is 'The load whose rows were counted.';
