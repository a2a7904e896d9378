-- How alike two names are, 0 to 1, for the suggestions of core.antrean_nama_wilayah. pg_trgm is a trusted extension:
-- who may create in the database may create it. Where a managed server does not have it the warehouse must still
-- stand: then there are no suggestions, and the queue says what to ask of the server's keeper.
do $$
declare
    home text;
begin
    if not exists (select from pg_extension where extname = 'pg_trgm') then
        begin
            create extension pg_trgm with schema ops;
        exception
            when insufficient_privilege or undefined_file or feature_not_supported or undefined_object then
                raise warning 'pg_trgm tidak dapat dibuat (%): nama wilayah tidak mendapat saran', sqlerrm;
        end;
    end if;
    select n.nspname into home from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace
    where e.extname = 'pg_trgm';
    execute format(
        'create or replace function ops.kemiripan(a text, b text) returns real language sql immutable parallel safe return %s',
        case when home is null then 'null::real' else format('%I.similarity(a, b)', home) end
    );
end $$;
