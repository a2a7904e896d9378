-- The scores of one dataset, for who may read no mart.
--
-- What belongs here: reading mart_satu_data.kualitas_data with the rights of who prepares the warehouse. Not here: how a
-- score is calculated (the mart). A function, because a right on the mart could only be given after its first build.

-- The latest month of a dataset, a row for each dimension. No row while the mart is not built, or lacks a column.
create or replace function ops.scores_of_dataset(wanted text) returns table (
    dimension text, score numeric, change numeric, open_findings bigint, days_to_fix numeric, year integer, month integer
) language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query execute
        'select dimensi::text, skor::numeric, perubahan::numeric, temuan_terbuka::bigint, hari_perbaikan::numeric,'
        ' tahun::integer, bulan::integer from mart_satu_data.kualitas_data where dataset = $1'
        ' order by tahun desc, bulan desc fetch first 1 rows with ties' using wanted;
exception when undefined_table or undefined_column or invalid_schema_name or insufficient_privilege then
    return;
end $$;
