-- A column may become a pseudonym, stop being one, or get another purpose. A load notices it by what is noted here.
alter table ops.pseudonym_key add column column_names text[];
comment on column ops.pseudonym_key.column_names is
    'The columns of raw whose values are pseudonyms of this purpose. Null until the first load after this column was added.';
