"""Puts refused rows into quarantine.row with all their reasons, and resolves the entries once they are fixed.

What belongs here: pure SQL, run by load/loader.py. Not here: which cells of a refused row are hidden (masking.py), the
text of a key (keys.py), the entries of a load's days (entry_periods.py), reading rows again when the rules change
(revalidate.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from pipelines.contracts.columns import Column
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.confirmations import cell_hash
from pipelines.load.stage.entry_periods import is_covered
from pipelines.load.stage.keys import key_of, row_key
from pipelines.load.stage.masking import (
    distinguishing_text,
    hidden_by_flags,
    hidden_flags,
    rows_with_hidden,
    shown_cell,
)
from pipelines.load.stage.rules import Rule
from pipelines.load.stage.statement import REJECTED, all_rules, cleaned_rows

SAMPLE = 10_000
"""How many rows are kept of a load that was rejected as a whole; its source still has them all."""

REFUSED = sql.Identifier("pg_temp", "refused_rows")
"""The temporary table of the load's refused rows, each once.

rid: the row's place in landing. is_duplicate: whether another row has its key. position: its place in the source,
or its key if the source gives no place. row_key: its key as text (keys.py). row_hash: a hash of `_identity`. hidden:
which of its cells are hidden (masking.py). entry_id: the row's open entry in quarantine, if it has one. moved: whether
that entry names another position or key, or has to name this load (`_is_renewed`).
"""


def quarantine(plan: LoadPlan, *, deduplicated: bool, rejected: bool) -> list[sql.Composed]:
    """The statements that put the refused rows into quarantine.row, each row once.

    They run in the transaction that applies the load. If a row is already in quarantine, only the position, the key and
    the load in its entry are updated.

    deduplicated: plan.duplicates lists rows whose key another row of this load has.
    rejected: the whole load is rejected; then SAMPLE rows are enough.
    """
    return [
        note_refused_rows(plan, deduplicated=deduplicated, limit=SAMPLE if rejected else None),
        index_refused_rows(),
        analyze_refused_rows(),
        move_entries(plan),
        add_entries(plan, deduplicated=deduplicated),
    ]


def note_refused_rows(plan: LoadPlan, *, deduplicated: bool, limit: int | None = None) -> sql.Composed:
    """Creates REFUSED from the landing rows that the stage left out."""
    rows: sql.Composable = sql.SQL("select rid, false as is_duplicate from {}").format(REJECTED)
    if deduplicated:
        rows += sql.SQL(" union all select rid, true from {} where not kept").format(plan.duplicates)
    if limit is not None:
        rows += sql.SQL(" limit {}").format(sql.Literal(limit))
    return sql.SQL(
        "create temporary table {refused} on commit drop as select single.*, q.entry_id,"
        " (q.source_position, q.row_key) is distinct from (single.position, single.row_key) or {renewed} as moved"
        " from (select distinct on (row_hash) rid, is_duplicate, coalesce(position, 'kunci ' || row_key) as position,"
        " row_key, row_hash, hidden from (select r.rid, r.is_duplicate, l._source_position as position,"
        " {key} as row_key, {hidden} as hidden,"
        ' md5(array[{identity}]::text) collate "C" as row_hash'
        " from {landed} join ({rows}) r on r.rid = l.ctid) hashed order by row_hash, rid) single"
        " left join quarantine.row q on q.dataset = {dataset} and q.state = 'open' and q.row_hash = single.row_hash"
    ).format(
        refused=REFUSED,
        renewed=_is_renewed(plan),
        key=row_key(plan),
        hidden=hidden_flags(plan),
        identity=sql.SQL(", ").join(_identity(plan, _reasons(plan, deduplicated=deduplicated))),
        landed=rows_with_hidden(plan),
        rows=rows,
        dataset=sql.Literal(plan.contract.key),
    )


def index_refused_rows() -> sql.Composed:
    """Creates an index with which `resolve` finds the rows that came again.

    Of entries added a moment ago the planner expects one row, and takes a nested loop. Without an index each entry then
    reads all refused rows: 13 seconds for 30,000.
    """
    return sql.SQL("create index on {} (entry_id) where entry_id is not null").format(REFUSED)


def analyze_refused_rows() -> sql.Composed:
    """Collects statistics of REFUSED, without which the planner takes a nested loop."""
    return sql.SQL("analyze {}").format(REFUSED)


def move_entries(plan: LoadPlan) -> sql.Composed:
    """Updates position, key and load of the entries whose row came again and has changed them (REFUSED)."""
    return sql.SQL(
        "update quarantine.row q set last_batch_id = {}, source_position = r.position, row_key = r.row_key,"
        " updated_at = clock_timestamp() from {} r where q.entry_id = r.entry_id and r.moved"
    ).format(sql.Literal(plan.batch_id), REFUSED)


def add_entries(plan: LoadPlan, *, deduplicated: bool) -> sql.Composed:
    """Adds entries, with all reasons, for the refused rows that have none."""
    return sql.SQL(
        "insert into quarantine.row (dataset, first_batch_id, last_batch_id, source_position, row_key, row,"
        " reasons, row_hash) select {dataset}, {batch}, {batch}, r.position, r.row_key, {row},"
        " to_jsonb(array_remove(array[{reasons}]::jsonb[], null)), r.row_hash"
        " from {landed} join {refused} r on r.rid = l.ctid cross join {hidden} where r.entry_id is null"
    ).format(
        dataset=sql.Literal(plan.contract.key),
        batch=sql.Literal(plan.batch_id),
        row=_masked_row(plan),
        reasons=sql.SQL(", ").join(
            sql.SQL("case when {} then {} end").format(reason.broken, reason.entry)
            for reason in _reasons(plan, deduplicated=deduplicated)
        ),
        landed=cleaned_rows(plan),
        refused=REFUSED,
        hidden=hidden_by_flags(plan, sql.SQL("r.hidden")),
    )


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why a row may be refused.

    name: identifies the reason in a row's hash. broken: SQL, whether the row has this reason. entry: SQL, the JSON
    object for quarantine.row.
    """

    name: str
    broken: sql.Composable
    entry: sql.Composable


def _reasons(plan: LoadPlan, *, deduplicated: bool) -> list[_Reason]:
    """All reasons for which this load may refuse a row."""
    found = [
        _Reason(_rule_hash(rule), sql.SQL("not {}").format(rule.predicate), _rule_entry(plan, rule))
        for rule in all_rules(plan)
    ]
    if deduplicated:
        found.append(_Reason("kunci_ganda", sql.SQL("r.is_duplicate"), _duplicate_entry(plan)))
    return found


def _rule_hash(rule: Rule) -> str:
    """A hash of the rule's texts, which changes if the contract changes a rule but not its name, or makes it soft."""
    text = f"{rule.column.name} {rule.name} {rule.message} {rule.hint}"
    if rule.name in rule.column.soft_rules:
        text += " konfirmasi"
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _identity(plan: LoadPlan, reasons: Sequence[_Reason]) -> list[sql.Composable]:
    """The expressions that identify an entry: the cells of the row, masked if they are hidden, and its reasons.

    Only reasons that the row has: which others a load asks about depends on how its cells landed, and on other rows.
    """
    contract = plan.contract
    parts = [distinguishing_text(contract, c, _landed(plan, c)) for c in contract.stored]
    broken = [sql.SQL("case when {} then {} end").format(reason.broken, reason.name) for reason in reasons]
    parts.append(sql.SQL("array_remove(array[{}]::text[], null)::text").format(sql.SQL(", ").join(broken)))
    if any(c.key and c.personal for c in contract.stored):
        # Two persons may have the same masked key, and each has a row at the source.
        landed = {c.name: _landed(plan, c, "b") for c in contract.stored if c.key}
        parts.append(key_of(contract, landed, refused=True))
    return parts


def _landed(plan: LoadPlan, column: Column, alias: str = "l") -> sql.Composable:
    """The cell as it landed; a time without zeros at the end of its fraction, as it would have landed typed."""
    cell = sql.Identifier(alias, column.name)
    if column.type != "timestamp" or column.name in plan.exact:
        return cell
    return sql.SQL("case when {0} like '%:__.%0' then rtrim(rtrim({0}, '0'), '.') else {0} end").format(cell)


def _is_renewed(plan: LoadPlan) -> sql.Composable:
    """Whether an entry names this load even if its place is the same.

    Each load of an upload or of a window answers for its rows. A load that waits for approval resolves the entries that
    it does not name, when it is approved.
    """
    answers = plan.contract.server.kind == "upload" or plan.window is not None
    return sql.Literal(answers or plan.contract.approval)


def _of_this_file(plan: LoadPlan, file: str) -> sql.Composable:
    """Whether an entry (q) was last written by a load of the file."""
    return sql.SQL(
        "q.last_batch_id in (select batch_id from ops.load_batch where dataset = {} and source_name = {})"
    ).format(sql.Literal(plan.contract.key), sql.Literal(file))


def resolve(plan: LoadPlan, source_name: str | None, *, refused: bool) -> sql.Composed:
    """Resolves the open entries that this load fixed.

    These are entries whose row is missing from a full read, from their own file, or from the days or periods that the
    load replaced, and entries whose key is staged.

    source_name: the upload that was read.
    refused: whether the load refused rows, which `note_refused_rows` has put into REFUSED.
    """
    contract = plan.contract
    earlier = sql.SQL(
        "update quarantine.row q set state = 'resolved', updated_at = clock_timestamp()"
        " where q.dataset = {} and q.state = 'open' and q.last_batch_id < {}"
    ).format(sql.Literal(contract.key), sql.Literal(plan.batch_id))
    if refused:
        earlier += sql.SQL(" and not exists (select from {} r where r.entry_id = q.entry_id)").format(REFUSED)
    if plan.reads_everything:
        return earlier
    if plan.file is not None and contract.appends:
        return sql.SQL("{} and {}").format(earlier, _of_this_file(plan, plan.file))
    fixed: list[sql.Composable] = []
    if contract.server.kind == "upload" and source_name is not None and plan.window is None:
        fixed.append(_of_this_file(plan, source_name))
    if covered := is_covered(plan, source_name):
        fixed.append(covered)
    if contract.primary_key:
        # The keys of the stage are computed once, and not once for each entry: one key costs 10 microseconds.
        keys = sql.SQL("q.row_key in (select {} from {} s)").format(row_key(plan, "s"), plan.stage)
        fixed.append(keys)
    return sql.SQL("{} and ({})").format(earlier, sql.SQL(" or ").join(fixed or [sql.SQL("false")]))


def resolve_gone(plan: LoadPlan, present: sql.Composable) -> sql.Composed:
    """Resolves open entries whose key raw has and the source (`present`) no longer has: nobody will fix them."""
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


def _masked_row(plan: LoadPlan) -> sql.Composable:
    """The row as one JSON object of the cells that may be shown."""
    return _object({column.name: shown_cell(column) for column in plan.contract.stored})


def _object(texts: Mapping[str, sql.Composable]) -> sql.Composable:
    """A JSON object of texts, by their names. jsonb_build_object would look up the type of each text for each row."""
    names = sql.SQL(", ").join(map(sql.Literal, texts))
    return sql.SQL("jsonb_object(array[{}], array[{}]::text[])").format(
        names, sql.SQL(", ").join(texts.values())
    )


def _rule_entry(plan: LoadPlan, rule: Rule) -> sql.Composable:
    """A reason as JSON. That of a soft rule has the identity by which its cell may be confirmed."""
    entry = {
        "kolom": sql.Literal(rule.column.name),
        "aturan": sql.Literal(rule.name),
        "nilai": shown_cell(rule.column),
        "pesan": sql.Literal(rule.message),
        "perbaikan": sql.Literal(rule.hint),
    }
    if rule.name in rule.column.soft_rules:
        entry["identitas"] = cell_hash(plan, rule.column)
    return _object(entry)


def _duplicate_entry(plan: LoadPlan) -> sql.Composable:
    key = ", ".join(plan.contract.identity)
    return _object(
        {
            "kolom": sql.Literal(key),
            "aturan": sql.Literal("kunci_ganda"),
            "pesan": sql.Literal(f"{key}: kunci sudah dipakai baris lain pada kiriman yang sama"),
            "perbaikan": sql.Literal("hapus salah satu, atau perbaiki kuncinya"),
        }
    )
