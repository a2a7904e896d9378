-- Who sent a file by the upload page (loket). Written before the file is in the zone; ops.upload_seen has it afterwards.
create table ops.upload_by (
    dataset text not null,
    name text not null,
    sha256 text not null,
    uploader text not null,
    at timestamptz not null default clock_timestamp()
);
create index upload_by_dataset on ops.upload_by (dataset, at desc);

comment on table ops.upload_by is 'Files that came by the upload page: who sent what, and when.';
comment on column ops.upload_by.uploader is 'The name with which the person logged in at the proxy.';
