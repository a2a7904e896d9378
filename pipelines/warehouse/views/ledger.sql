-- What models and people read of the ledger and of the quarantine. Columns may be added at the end; another name, type
-- or order of columns needs a migration before it.

-- One row per reason of each quarantined row.
create or replace view ops.quarantine_reason as
select
    q.entry_id,
    q.dataset,
    q.state,
    q.updated_at,
    r.reason ->> 'kolom' as column_name,
    r.reason ->> 'aturan' as rule,
    r.reason ->> 'nilai' as value,
    q.created_at
from quarantine.row as q
cross join lateral jsonb_array_elements(q.reasons) as r (reason);

-- Each time that new data came, and since when we know it. A file comes once, when its good bytes were first seen
-- (upload_seen) or read. A load of a table brings its newest period (data_until) or, where it declares none, a change;
-- a period never lies after the load that brought it. A load that waited for approval counts since it was read: the wait
-- is ours, not the OPD's.
create or replace view ops.arrival as
with
content as (
    select b.dataset, split_part(b.source_fingerprint, ':', 1) as sha256, min(b.started_at) as first_read
    from ops.load_batch as b
    where b.source_fingerprint is not null
    group by 1, 2
    having bool_or(b.state in ('loaded', 'unchanged'))
),
sight as (
    select u.dataset, u.sha256, min(u.seen_at) as first_seen from ops.upload_seen as u group by u.dataset, u.sha256
)
select
    c.dataset,
    least(c.first_read, i.first_seen) as arrived_at,
    least(c.first_read, i.first_seen) as known_at,
    true as is_file
from content as c
left join sight as i on i.dataset = c.dataset and i.sha256 = c.sha256
union all
select b.dataset, least(k.known_at, b.data_until), k.known_at, false
from ops.load_batch as b
left join ops.load_approval as a on a.batch_id = b.batch_id
cross join lateral (
    select case when a.batch_id is null then b.finished_at else b.started_at end as known_at
) as k
where b.source_fingerprint is null and b.state = 'loaded' and b.by_retention is not true;

-- Where each dataset stands. It arrived with the newest of its arrivals (ops.arrival), however often it was read since.
-- The newest load is the one that was applied last (ops.applied_at).
create or replace view ops.dataset_state as
with
good as (
    select distinct on (b.dataset) b.dataset, b.source_fingerprint is not null as is_file
    from ops.load_batch as b
    where b.state in ('loaded', 'unchanged') and b.by_retention is not true
    order by b.dataset, ops.applied_at(b.state, b.finished_at) desc, b.batch_id desc
),
file as (
    select a.dataset, max(a.arrived_at) as first_seen from ops.arrival as a where a.is_file group by a.dataset
),
change as (
    select
        b.dataset,
        max(b.finished_at) as changed_at,
        max(case when a.batch_id is null then b.finished_at else b.started_at end) as came_at
    from ops.load_batch as b
    left join ops.load_approval as a on a.batch_id = b.batch_id
    where b.state = 'loaded' and b.by_retention is not true
    group by b.dataset
),
standing as (
    select distinct on (b.dataset) b.dataset, b.rows_in_raw, b.data_until, b.has_sample
    from ops.load_batch as b
    where b.rows_in_raw is not null
    order by b.dataset, ops.applied_at(b.state, b.finished_at) desc, b.batch_id desc
),
last as (
    select distinct on (b.dataset) b.dataset, b.state
    from ops.load_batch as b
    where b.state <> 'running' and b.by_retention is not true
    order by b.dataset, ops.applied_at(b.state, b.finished_at) desc, b.batch_id desc
),
waiting as (
    select q.dataset, count(*) as rows_quarantined from quarantine.row as q where q.state = 'open' group by q.dataset
)
select
    l.dataset,
    case
        when g.is_file then f.first_seen
        when c.changed_at is not null then least(c.came_at, s.data_until)
    end as arrived_at,
    c.changed_at,
    s.data_until,
    s.rows_in_raw,
    coalesce(w.rows_quarantined, 0) as rows_quarantined,
    l.state as last_state,
    coalesce(s.has_sample, false) as has_sample
from last as l
left join good as g on g.dataset = l.dataset
left join file as f on f.dataset = l.dataset
left join change as c on c.dataset = l.dataset
left join standing as s on s.dataset = l.dataset
left join waiting as w on w.dataset = l.dataset;

comment on view ops.quarantine_reason is 'Why rows were refused, one row per reason; values of personal columns are masked.';
comment on view ops.arrival is 'When new data came, and since when we know it: a row per file or load.';
comment on view ops.dataset_state is
    'Where each dataset stands: when it arrived, how many rows of it are in force, how many wait in quarantine.';

-- The confirmations that nobody has taken back.
create or replace view quarantine.confirmed as
select
    c.confirmation_id,
    c.dataset,
    c.column_name,
    c.rule,
    c.cell_hash,
    c.confirmed_by,
    c.confirmed_at,
    c.reason
from quarantine.confirmation as c
where not exists (select from quarantine.withdrawal as w where w.confirmation_id = c.confirmation_id);
