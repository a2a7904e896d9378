-- Which results of checks count, and until when: the one rule for scores, evidence, report, status, pages and retention.
-- Columns may be added at the end; another name, type or order of columns needs a migration before it.

-- Each result of a check that is still declared, and the moment from which it counts no more (over_at).
--
-- A result counts until the next one of its check. A failure about rows counts longer, because the next load may have
-- looked at other days: until a later result covers all of its days, or the check's rule is another one, or these days
-- are gone from raw. Its days are those of its window, or the periods of its file; without them, the whole table. A full
-- refresh covers everything. Rows that are in raw are covered only by rows that went there. A failure of the whole table
-- does not take the place of one that names its days.
create or replace view ops.check_history as
with
result as (
    select
        c.asset, c.check_name, c.severity, c.passed, c.unexpected, c.total, c.code, c.at, c.observed, c.rule,
        c.window_start, c.window_end, c.batch_id,
        lag(c.at) over (
            partition by c.asset, c.check_name order by c.at desc, c.batch_id desc nulls last
        ) as next_at,
        -- The other checks are about a delivery or its source: each load answers them anew.
        not c.passed and c.check_name <> all(array[
            'karantina', 'bentuk_sumber', 'baris_tak_terjangkau', 'jumlah_baris_wajar', 'sebaran_kelas'
        ]) as about_rows
    from ops.check_result as c
)
select
    r.asset, r.check_name, r.severity, r.passed, r.unexpected, r.total, r.code, r.at,
    -- The subquery runs for these failures only, and its first part once for each (`offset 0`).
    case when r.about_rows then (
        select finish.over_at
        from (
            select
                ops.days_of_load(r.batch_id, r.window_start, r.window_end) as days,
                exists (
                    select from ops.load_batch as b
                    where b.batch_id = r.batch_id and b.state not in ('loaded', 'unchanged')
                ) as refused
            offset 0
        ) as own
        cross join lateral (
            (
                select n.at as over_at
                from ops.check_result as n
                left join ops.load_batch as b on b.batch_id = n.batch_id
                cross join lateral (
                    select case
                        when n.window_start is not null
                            then datemultirange(daterange(n.window_start, n.window_end, '[]'))
                        else (select range_agg(p.days) from ops.load_period as p where p.batch_id = n.batch_id)
                    end as days
                    offset 0
                ) as other
                where
                    n.asset = r.asset and n.check_name = r.check_name and n.at > r.at
                    and (
                        n.rule is distinct from r.rule
                        or (
                            (own.refused or coalesce(b.state, 'loaded') in ('loaded', 'unchanged'))
                            and (
                                coalesce(b.full_refresh, false)
                                or other.days @> own.days
                                or (other.days is null and (n.passed or own.days is null))
                                or (own.refused and own.days is null)
                            )
                        )
                    )
                order by n.at
                limit 1
            )
            union all
            (
                select b.finished_at
                from ops.load_batch as b
                where
                    own.days is not null and b.dataset = substr(r.asset, length('raw/') + 1) and b.by_retention
                    and b.finished_at > r.at and upper(own.days) <= b.window_end + 1
                order by b.finished_at
                limit 1
            )
        ) as finish
        order by finish.over_at
        limit 1
    ) else r.next_at end as over_at,
    r.observed, r.window_start, r.window_end,
    case when r.about_rows then ops.days_of_load(r.batch_id, r.window_start, r.window_end) end as days,
    r.batch_id
from result as r
where not exists (
    select from ops.declared_check as d
    where d.asset = r.asset and d.check_name = r.check_name and d.gone_at is not null
);

-- What each check says now, one row: the newest failure that counts, or else its last result.
create or replace view ops.check_in_force as
select distinct on (h.asset, h.check_name) h.*
from ops.check_history as h
where h.over_at is null
order by h.asset, h.check_name, h.passed, h.at desc;

comment on view ops.check_history is
    'Each result of a check that is still declared, and from when it counts no more; null while it counts.';
comment on view ops.check_in_force is 'What each check says now: the newest failure that counts, or else its last result.';
