"""Rows that a load refuses: into quarantine.row with every reason, and out of it when they are mended. Pure SQL."""

from __future__ import annotations

import hashlib

from psycopg import sql

from pipelines.load.plan import LoadPlan
from pipelines.load.stage.masking import judged_rows, key_text, shown, told_apart
from pipelines.load.stage.rules import Rule
from pipelines.load.stage.statement import REJECTED, all_rules

SAMPLE = 10_000
"""Rows that are kept of a load that was refused as a whole: its source still has them all."""


REFUSED = sql.Identifier("pg_temp", "refused_rows")
"""The rejected rows of the load that is published: where each stands in landing (rid), the hash that tells it from
others, and the entry that it has already."""


def quarantine(plan: LoadPlan, *, deduplicated: bool, refused: bool) -> list[sql.Composed]:
    """Rejected rows into quarantine.row, once each however often they come. In the publishing transaction.

    A row that waits there already costs its hash, and is written only where it came from elsewhere.
    deduplicated: plan.duplicates names rows whose key another row of this load has.
    refused: the whole load is; then SAMPLE rows are enough.
    """
    rejected: sql.Composable = sql.SQL("select rid, false as twice from {}").format(REJECTED)
    reasons: list[tuple[str, sql.Composable, sql.Composable]] = [
        (_mark(rule), sql.SQL("not {}").format(rule.predicate), _reason(rule)) for rule in all_rules(plan)
    ]
    if deduplicated:
        rejected += sql.SQL(" union all select rid, true from {} where not kept").format(plan.duplicates)
        reasons.append(("kunci_ganda", sql.SQL("r.twice"), _duplicate_reason(plan)))
    contract = plan.contract
    identity = [told_apart(contract, c, sql.Identifier("l", c.name)) for c in contract.stored]
    identity += [sql.SQL("case when {} then {} end").format(broken, mark) for mark, broken, _ in reasons]
    if any(c.key and c.personal for c in plan.contract.stored):
        # A masked key tells no person from another, and each is at the source.
        identity.append(row_key(plan))
    dataset, batch = sql.Literal(plan.contract.key), sql.Literal(plan.batch_id)
    return [
        sql.SQL(
            "create temporary table {} on commit drop as select single.*, q.entry_id,"
            " q.source_position is distinct from single.position or {} as moved"
            " from (select distinct on (row_hash) rid, twice, position, row_hash from (select r.rid, r.twice,"
            ' {} as position, md5(array[{}]::text) collate "C" as row_hash from {} join ({}{}) r on r.rid = l.ctid)'
            " hashed order by row_hash, rid) single left join quarantine.row q"
            " on q.dataset = {} and q.state = 'open' and q.row_hash = single.row_hash"
        ).format(
            REFUSED,
            _of_another_file(plan),
            _position(plan),
            sql.SQL(", ").join(identity),
            judged_rows(plan),
            rejected,
            sql.SQL(" limit {}").format(sql.Literal(SAMPLE)) if refused else sql.SQL(""),
            dataset,
        ),
        sql.SQL("analyze {}").format(REFUSED),
        sql.SQL(
            "update quarantine.row q set last_batch_id = {}, source_position = r.position,"
            " updated_at = clock_timestamp() from {} r where q.entry_id = r.entry_id and r.moved"
        ).format(batch, REFUSED),
        sql.SQL(
            "insert into quarantine.row (dataset, first_batch_id, last_batch_id, source_position, row_key, row,"
            " reasons, row_hash) select {dataset}, {batch}, {batch}, r.position, {key}, {row},"
            " to_jsonb(array_remove(array[{reasons}]::jsonb[], null)), r.row_hash"
            " from {source} join {refused} r on r.rid = l.ctid where r.entry_id is null order by r.row_hash"
        ).format(
            dataset=dataset,
            batch=batch,
            key=row_key(plan),
            row=_masked_row(plan),
            reasons=sql.SQL(", ").join(
                sql.SQL("case when {} then {} end").format(broken, told) for _, broken, told in reasons
            ),
            source=judged_rows(plan),
            refused=REFUSED,
        ),
    ]


def _mark(rule: Rule) -> str:
    """Tells one rule from another, also when the contract asks something else by the same name."""
    told = f"{rule.column.name} {rule.name} {rule.message} {rule.hint}"
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def _of_another_file(plan: LoadPlan) -> sql.Composable:
    if plan.file is None:
        return sql.SQL("false")
    return sql.SQL("not {}").format(_of_this_file(plan, plan.file))


def _of_this_file(plan: LoadPlan, file: str) -> sql.Composable:
    return sql.SQL(
        "q.last_batch_id in (select batch_id from ops.load_batch where dataset = {} and source_name = {})"
    ).format(sql.Literal(plan.contract.key), sql.Literal(file))


def resolve(plan: LoadPlan, source_name: str | None, *, refused: bool) -> sql.Composed:
    """Open entries that this load fixed: those a full read, or their own file, no longer shows, or whose key is now
    in raw.

    source_name: the file that was read, of an upload. refused: whether the load has rejected rows, which `quarantine`
    has put into REFUSED.
    """
    contract = plan.contract
    start = sql.SQL(
        "update quarantine.row q set state = 'resolved', updated_at = clock_timestamp()"
        " where q.dataset = {} and q.state = 'open' and q.last_batch_id < {}"
    ).format(sql.Literal(contract.key), sql.Literal(plan.batch_id))
    if refused:
        start += sql.SQL(" and not exists (select from {} r where r.entry_id = q.entry_id)").format(REFUSED)
    if plan.reads_everything:
        return start
    if plan.file is not None:
        return sql.SQL("{} and {}").format(start, _of_this_file(plan, plan.file))
    own_file: sql.Composable = sql.SQL("false")
    if contract.server.kind == "upload" and source_name is not None:
        own_file = _of_this_file(plan, source_name)
    if not contract.primary_key:
        return sql.SQL("{} and {}").format(start, own_file)
    return sql.SQL("{} and ({} or exists (select from {} s where {} = q.row_key))").format(
        start, own_file, plan.stage, row_key(plan, "s")
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
    """The key as text, comparable between a rejected row and a row of raw; pseudonyms where it is personal or hidden.

    However long it is: what the index of quarantine.row could not hold is cut by bytes, and told apart by its hash.
    """
    if not plan.contract.primary_key:
        return sql.SQL("null::text")
    parts: list[sql.Composable] = []
    for name in plan.contract.primary_key:
        column = plan.contract.column(name)
        cell: sql.Composable = sql.Identifier(alias, name)
        if column.pseudonymise and alias == "b":
            cell = sql.SQL("ops.pseudonim({}, {})").format(cell, sql.Literal(column.pseudonymise))
        elif not column.personal:
            cell = key_text(plan.contract, column, cell, refused=alias == "b")
        parts.append(sql.SQL("{}::text").format(cell))
    return sql.SQL("ops.kunci_ringkas(concat_ws('|', {}))").format(sql.SQL(", ").join(parts))


def _position(plan: LoadPlan) -> sql.Composable:
    position = sql.SQL("l._source_position")
    if not plan.contract.primary_key:
        return position
    return sql.SQL("coalesce({}, 'kunci ' || {})").format(position, row_key(plan))


def _masked_row(plan: LoadPlan) -> sql.Composable:
    parts: list[sql.Composable] = []
    for column in plan.contract.stored:
        parts.append(sql.SQL("{}, {}").format(sql.Literal(column.name), shown(column)))
    pairs = [sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(c)) for c in _chunks(parts, 40)]
    return sql.SQL(" || ").join(pairs)


def _reason(rule: Rule) -> sql.Composable:
    return sql.SQL(
        "jsonb_build_object('kolom', {}, 'aturan', {}, 'nilai', {}, 'pesan', {}, 'perbaikan', {})"
    ).format(
        sql.Literal(rule.column.name),
        sql.Literal(rule.name),
        shown(rule.column),
        sql.Literal(rule.message),
        sql.Literal(rule.hint),
    )


def _duplicate_reason(plan: LoadPlan) -> sql.Composable:
    key = ", ".join(plan.contract.identity)
    return sql.SQL(
        "jsonb_build_object('kolom', {}, 'aturan', 'kunci_ganda', 'pesan', {}, 'perbaikan', {})"
    ).format(
        sql.Literal(key),
        sql.Literal(f"{key}: kunci sudah dipakai baris lain pada kiriman yang sama"),
        sql.Literal("hapus salah satu, atau perbaiki kuncinya"),
    )


def _chunks(parts: list[sql.Composable], size: int) -> list[list[sql.Composable]]:
    return [parts[i : i + size] for i in range(0, len(parts), size)]
