-- The code of a finding (pipelines/findings/catalogue.yaml), beside the text that people read.
alter table ops.load_batch add column code text;
alter table ops.check_result add column code text;

comment on column ops.load_batch.code is
    'Code in the catalogue of findings of a load that failed or was rejected. Null for others, and for older rows.';
comment on column ops.check_result.code is
    'Code in the catalogue of findings of the rule that was asked, also where it was kept. Null for older rows.';
