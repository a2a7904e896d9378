-- Columns of ops in one language, and under the names that the code has for them.
alter table ops.load_batch rename column whole to full_refresh;

alter table ops.contract rename column judul to title;
alter table ops.contract rename column produsen to producer;
alter table ops.contract rename column jenis_sumber to source_kind;
alter table ops.contract rename column frekuensi_hari to frequency_days;
alter table ops.contract rename column latensi_jam to latency_hours;
alter table ops.contract rename column klasifikasi to classification;
alter table ops.contract rename column publikasi to publish;

alter table ops.publication_log rename column peristiwa to event;
alter table ops.publication_log rename column dasar to basis;
alter table ops.publication_log rename column alasan to reason;

-- A new warehouse gets this view afterwards, from views/.
alter view if exists ops.quarantine_reason rename column kolom to column_name;
alter view if exists ops.quarantine_reason rename column aturan to rule;
alter view if exists ops.quarantine_reason rename column nilai to value;
