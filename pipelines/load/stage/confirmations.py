"""Lets rows pass that break only soft rules, where the OPD has confirmed the cell (quarantine.confirmed).

What belongs here: what identifies a confirmed cell, the confirmations that a marked file brings, the conditions under
which a rule holds for confirmed cells, and reading rows again whose confirmation was taken back. Not here: which rules
are soft (contracts/soft_rules.py), confirmations by a person (feedback/confirm.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.contracts.soft_rules import has_soft_rules
from pipelines.contracts.upload import CONFIRM_COLUMN
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.cells import castable, pseudonym, value_text
from pipelines.load.stage.masking import key_text
from pipelines.load.stage.statement import all_rules, cleaned_rows, valid
from pipelines.redaction.personal_shapes import ALL, masked

_CONFIRMS = re.compile(r"memang\s+benar(?:\s*:|\s+[-–—]\s)(?P<reason>.*)", re.IGNORECASE | re.DOTALL)  # noqa: RUF001
_READ = sql.Identifier("pg_temp", "read_confirmations")


def reason_in(text: str) -> str | None:
    """The reason in an OPD's confirmation ("memang benar: <reason>"), personal numbers masked; None if it is none.

    Without a colon, or a dash between blanks, the words may begin another sentence ("memang benar salah ketik"). A
    reason has a letter.
    """
    found = _CONFIRMS.fullmatch(text.strip())
    reason = masked(" ".join(found["reason"].split()), ALL) if found else ""
    return reason if any(map(str.isalpha, reason)) else None


def accept(
    connection: Connection[Any], plan: LoadPlan, batch: Batch, texts: Mapping[str, str], *, keep: bool
) -> LoadPlan:
    """The plan by which confirmed cells keep their soft rules. Counts the rows that this lets pass in the batch.

    texts: what the file says in CONFIRM_COLUMN, by the position of the row. keep: whether it is recorded.
    """
    if texts and keep:
        batch.warnings += _record(connection, plan, batch, texts)
    if not has_soft_rules(plan.contract):
        return plan
    rows = connection.execute(
        "select distinct column_name, rule from quarantine.confirmed where dataset = %s order by 1, 2",
        [plan.contract.key],
    ).fetchall()
    exceptions = {
        (column.name, rule): _is_confirmed(plan, column, rule)
        for column in plan.contract.stored
        for rule in column.soft_rules
        if (column.name, rule) in rows
    }
    if not exceptions:
        return plan
    strict, plan = plan, replace(plan, exceptions=exceptions)
    query = sql.SQL("select count(*) from {} where ({}) and not ({})").format(
        cleaned_rows(plan), valid(plan), valid(strict)
    )
    (batch.confirmed,) = connection.execute(query).fetchone() or (0,)
    return plan


def cell_hash(plan: LoadPlan, column: Column) -> sql.Composable:
    """Identifies a cell of `cleaned_rows` by the row's key (or all of its cells) and by its own value.

    A personal cell goes into the hash as its pseudonym, and another that looks like a person's number as a digest.
    """
    names = plan.contract.primary_key or tuple(c.name for c in plan.contract.stored)
    parts = [_text(plan, c) for c in plan.contract.stored if c.name in names]
    return sql.SQL("md5(array[{}]::text)").format(sql.SQL(", ").join([*parts, _text(plan, column)]))


def reopen_withdrawn(connection: Connection[Any], contract: Contract) -> None:
    """Opens the entries again of rows whose confirmation was taken back since the last load.

    Confirmations are part of the rules' hash (revalidate.py), so their source is read again, and the row is judged.
    """
    if not has_soft_rules(contract):
        return
    waits = connection.execute(
        "select exists (select from quarantine.withdrawal as w join quarantine.confirmation as c"
        " using (confirmation_id) where w.reopened_at is null and c.dataset = %s)",
        [contract.key],
    ).fetchone()
    if waits == (True,):
        connection.execute(_REOPEN, {"dataset": contract.key})


_REOPEN = """
with withdrawn as (
    update quarantine.withdrawal as w set reopened_at = clock_timestamp()
    from quarantine.confirmation as c
    where c.confirmation_id = w.confirmation_id and c.dataset = %(dataset)s and w.reopened_at is null
    returning c.column_name, c.rule, c.cell_hash
),
latest as (
    select distinct on (q.row_hash) q.entry_id, q.row_hash
    from quarantine.row as q
    cross join lateral jsonb_array_elements(q.reasons) as r (reason)
    join withdrawn as w on r.reason ->> 'kolom' = w.column_name and r.reason ->> 'aturan' = w.rule
        and r.reason ->> 'identitas' = w.cell_hash
    where q.dataset = %(dataset)s and q.state = 'resolved'
    order by q.row_hash, q.entry_id desc
)
update quarantine.row as q set state = 'open', updated_at = clock_timestamp()
from latest as l
where q.entry_id = l.entry_id and not exists (
    select from quarantine.row as o where o.dataset = q.dataset and o.state = 'open' and o.row_hash = l.row_hash
)
"""


def _text(plan: LoadPlan, column: Column) -> sql.Composable:
    """The cell as text, the same for all spellings of a value."""
    cell: sql.Composable = sql.Identifier("b", column.name)
    if column.pseudonymise:
        return pseudonym(cell, column.pseudonymise)
    if column.type != "text" and column.name not in plan.exact:
        cell = value_text(column, castable(column))
    return key_text(plan.contract, column, sql.SQL("({})").format(cell), refused=False)


def _is_confirmed(plan: LoadPlan, column: Column, rule: str) -> sql.Composable:
    return sql.SQL(
        "exists (select from quarantine.confirmed c where c.dataset = {} and c.column_name = {} and c.rule = {}"
        " and c.cell_hash = {})"
    ).format(
        sql.Literal(plan.contract.key), sql.Literal(column.name), sql.Literal(rule), cell_hash(plan, column)
    )


def _record(connection: Connection[Any], plan: LoadPlan, batch: Batch, texts: Mapping[str, str]) -> list[str]:
    """Records what a file confirms. Gives warnings about what cannot be confirmed."""
    reasons = {position: reason for position, text in texts.items() if (reason := reason_in(text))}
    warnings: list[str] = []
    if unclear := len(texts) - len(reasons):
        warnings.append(
            f'{unclear} isian {CONFIRM_COLUMN} bukan konfirmasi; tulis "memang benar: <alasan>" di kolom itu'
        )
    if not reasons:
        return warnings
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("create temporary table {} (position text, reason text) on commit drop").format(_READ)
        )
        with cursor.copy(sql.SQL("copy {} from stdin").format(_READ)) as copy:
            for row in reasons.items():
                copy.write_row(row)
        cursor.execute(sql.SQL("analyze {}").format(_READ))
        who = _sender(connection, plan.contract, batch)
        for rule in all_rules(plan):
            if rule.name in rule.column.soft_rules:
                cursor.execute(_insert(plan, batch, rule.column, rule.name, rule.predicate, who))
        hard = [rule.predicate for rule in all_rules(plan) if rule.name not in rule.column.soft_rules]
        broken = sql.SQL(
            "select count(*) from {} join {} r on r.position = l._source_position where not ({})"
        ).format(cleaned_rows(plan), _READ, sql.SQL(" and ").join(hard) if hard else sql.SQL("true"))
        (refused,) = cursor.execute(broken).fetchone() or (0,)
    if refused:
        warnings.append(
            f"{refused} baris dikonfirmasi OPD tetapi tetap ditahan: melanggar aturan yang tidak dapat dikonfirmasi"
        )
    return warnings


def _insert(
    plan: LoadPlan, batch: Batch, column: Column, rule: str, predicate: sql.Composable, who: str
) -> sql.Composed:
    return sql.SQL(
        "insert into quarantine.confirmation (dataset, column_name, rule, cell_hash, confirmed_by, via, batch_id,"
        " reason) select {dataset}, {column}, {rule}, said.hash, {who}, 'file', {batch}, said.reason from"
        " (select distinct on (1) {hash} as hash, r.reason from {rows}"
        " join {read} r on r.position = l._source_position where not {predicate} order by 1, r.reason) said"
        " where not exists (select from quarantine.confirmed c where c.dataset = {dataset}"
        " and c.column_name = {column} and c.rule = {rule} and c.cell_hash = said.hash)"
    ).format(
        dataset=sql.Literal(plan.contract.key),
        column=sql.Literal(column.name),
        rule=sql.Literal(rule),
        hash=cell_hash(plan, column),
        who=sql.Literal(who),
        batch=sql.Literal(batch.batch_id),
        rows=cleaned_rows(plan),
        read=_READ,
        predicate=predicate,
    )


def _sender(connection: Connection[Any], contract: Contract, batch: Batch) -> str:
    """Who sent the file, if it came by the upload page; else the OPD."""
    row = connection.execute(
        "select uploader from ops.upload_by where dataset = %s and name = %s and sha256 = split_part(%s, ':', 1)"
        " order by at desc limit 1",
        [contract.key, batch.source_name, batch.fingerprint],
    ).fetchone()
    return row[0] if row else contract.opd
