"""Rows that a load refuses: into quarantine.row with every reason, and out of it when they are mended. Pure SQL."""

from __future__ import annotations

from psycopg import sql

from pipelines.load.plan import LoadPlan
from pipelines.load.rules import MASK, Rule
from pipelines.load.stage import REJECTED, all_rules, cleaned_rows

LONGEST_CELL = 10_000
"""Characters of a refused cell that are kept."""

SAMPLE = 10_000
"""Rows that are kept of a load that was refused as a whole: its source still has them all."""


def quarantine(plan: LoadPlan, *, deduplicated: bool, refused: bool) -> sql.Composed:
    """Rejected rows into quarantine.row, once each however often they come.

    deduplicated: plan.duplicates names rows whose key another row of this load has.
    refused: the whole load is; then SAMPLE rows are enough.
    """
    rejected: sql.Composable = sql.SQL("l.ctid in (select rid from {})").format(REJECTED)
    reasons = [_reason(r) for r in all_rules(plan)]
    if deduplicated:
        rejected = sql.SQL("{} or l.ctid in (select rid from {} where not kept)").format(
            rejected, plan.duplicates
        )
        reasons.append(_duplicate_reason(plan))
    return sql.SQL(
        "with rejected as ("
        " select {position} as position, {key} as key, {row} as row,"
        "  (select jsonb_agg(r.reason) from unnest(array[{reasons}]::jsonb[]) as r(reason)"
        "   where r.reason is not null) as reasons"
        " from {source} where {rejected}{limit}),"
        " hashed as (select *, md5(row::text || coalesce(reasons::text, '')) as row_hash from rejected),"
        " single as (select distinct on (row_hash) * from hashed order by row_hash, position)"
        " insert into quarantine.row (dataset, first_batch_id, last_batch_id, source_position, row_key,"
        "  row, reasons, row_hash) select {dataset}, {batch}, {batch}, position, key, row, reasons, row_hash"
        "  from single on conflict (dataset, row_hash) where state = 'open' do update set"
        "  last_batch_id = excluded.last_batch_id, source_position = excluded.source_position,"
        "  updated_at = clock_timestamp()"
    ).format(
        position=_position(plan),
        key=row_key(plan),
        row=_masked_row(plan),
        reasons=sql.SQL(", ").join(reasons),
        source=cleaned_rows(plan),
        rejected=rejected,
        limit=sql.SQL(" limit {}").format(sql.Literal(SAMPLE)) if refused else sql.SQL(""),
        dataset=sql.Literal(plan.contract.key),
        batch=sql.Literal(plan.batch_id),
    )


def resolve(plan: LoadPlan) -> sql.Composed:
    """Open entries that this load mended: those a full read no longer shows, or whose key is now in raw."""
    contract = plan.contract
    start = sql.SQL(
        "update quarantine.row q set state = 'resolved', updated_at = clock_timestamp()"
        " where q.dataset = {} and q.state = 'open' and q.last_batch_id < {}"
    ).format(sql.Literal(contract.key), sql.Literal(plan.batch_id))
    if plan.complete:
        return start
    if plan.file is not None:
        return sql.SQL(
            "{} and q.last_batch_id in (select batch_id from ops.load_batch where dataset = {} and source_name = {})"
        ).format(start, sql.Literal(contract.key), sql.Literal(plan.file))
    if not contract.primary_key:
        return sql.SQL("{} and false").format(start)
    return sql.SQL("{} and exists (select from {} s where {} = q.row_key)").format(
        start, plan.stage, row_key(plan, "s")
    )


def resolve_gone(plan: LoadPlan, present: sql.Composable) -> sql.Composed:
    """Open entries of rows that raw has and the source no longer: nobody will mend them."""
    return sql.SQL(
        "update quarantine.row q set state = 'resolved', updated_at = clock_timestamp()"
        " from {raw} t where q.dataset = {dataset} and q.state = 'open' and q.row_key = {key}"
        " and not exists (select from {present} k where {same})"
    ).format(
        raw=plan.raw,
        dataset=sql.Literal(plan.contract.key),
        key=row_key(plan, "t"),
        present=present,
        same=plan.same_key("k", "t"),
    )


def row_key(plan: LoadPlan, alias: str = "b") -> sql.Composable:
    """The key as text, comparable between a rejected row and a row of raw; pseudonyms where it is personal."""
    if not plan.contract.primary_key:
        return sql.SQL("null::text")
    parts: list[sql.Composable] = []
    for name in plan.contract.primary_key:
        column = plan.contract.column(name)
        cell: sql.Composable = sql.Identifier(alias, name)
        if column.pseudonymise and alias == "b":
            cell = sql.SQL("ops.pseudonim({}, {})").format(cell, sql.Literal(column.pseudonymise))
        parts.append(sql.SQL("{}::text").format(cell))
    return sql.SQL("left(concat_ws('|', {}), {})").format(
        sql.SQL(", ").join(parts), sql.Literal(LONGEST_CELL // 10)
    )


def _position(plan: LoadPlan) -> sql.Composable:
    position = sql.SQL("l._source_position")
    if not plan.contract.primary_key:
        return position
    return sql.SQL("coalesce({}, 'kunci ' || {})").format(position, row_key(plan))


def _masked_row(plan: LoadPlan) -> sql.Composable:
    parts: list[sql.Composable] = []
    for column in plan.contract.stored:
        parts.append(
            sql.SQL("{}, {}").format(sql.Literal(column.name), _shown(column.name, personal=column.personal))
        )
    pairs = [sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(c)) for c in _chunks(parts, 40)]
    return sql.SQL(" || ").join(pairs)


def _shown(name: str, *, personal: bool) -> sql.Composable:
    """A cell as it came, as far as it may be shown: masked where it is personal, cut where it is huge."""
    cell = sql.Identifier("l", name)
    if personal:
        return sql.SQL("case when {} is null then null else {} end").format(cell, sql.Literal(MASK))
    return sql.SQL(
        "case when octet_length({0}::text) <= {1} then {0}::text"
        " else left({0}::text, {1}) || ' ... (' || char_length({0}::text) || ' karakter)' end"
    ).format(cell, sql.Literal(LONGEST_CELL))


def _reason(rule: Rule) -> sql.Composable:
    return sql.SQL(
        "case when not {} then jsonb_build_object("
        "'kolom', {}, 'aturan', {}, 'nilai', {}, 'pesan', {}, 'perbaikan', {}) end"
    ).format(
        rule.predicate,
        sql.Literal(rule.column.name),
        sql.Literal(rule.name),
        _shown(rule.column.name, personal=rule.column.personal),
        sql.Literal(rule.message),
        sql.Literal(rule.hint),
    )


def _duplicate_reason(plan: LoadPlan) -> sql.Composable:
    key = ", ".join(plan.contract.primary_key)
    built = sql.SQL(
        "jsonb_build_object('kolom', {}, 'aturan', 'kunci_ganda', 'pesan', {}, 'perbaikan', {})"
    ).format(
        sql.Literal(key),
        sql.Literal(f"{key}: kunci sudah dipakai baris lain pada kiriman yang sama"),
        sql.Literal("hapus salah satu, atau perbaiki kuncinya"),
    )
    return sql.SQL("case when l.ctid in (select rid from {} where not kept) then {} end").format(
        plan.duplicates, built
    )


def _chunks(parts: list[sql.Composable], size: int) -> list[list[sql.Composable]]:
    return [parts[i : i + size] for i in range(0, len(parts), size)]
