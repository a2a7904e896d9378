"""The findings of a load: refused rows with their reasons as a stream, and the checks of its table.

What belongs here: reading quarantine.row and ops.check_result. A stream holds a block of rows, however many there are.
Values are those of quarantine.row, where personal cells are masked. Not here: files (workbook.py, listing.py, page.py).
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from pipelines.contracts.model import Contract
from pipelines.contracts.soft_rules import has_soft_rules, severity
from pipelines.contracts.upload import CONFIRM_COLUMN
from pipelines.feedback.loads import JudgedLoad
from pipelines.feedback.pack.place import Place, read_place
from pipelines.findings.catalogue import KINDS, Severity, code_of, code_of_expectation, entry
from pipelines.quality.suites import soft_checks

OPEN, RESOLVED, CONFIRMED = "terbuka", "selesai", "diterima atas konfirmasi"
"""States of a finding, for the OPD."""
_CONFIRM_IN_FILE = f'bila memang benar, tulis "memang benar: <alasan>" di kolom {CONFIRM_COLUMN}'
_CONFIRM = "bila memang benar, konfirmasikan di loket atau kepada walidata"
_FOR_OPERATORS = re.compile(r"kontrak|nyatakan|header_row|physicalName|OPD|akun|gudang|docs/")
"""What hints name that are written for those who keep the contract and the zone."""
_BLOCK = 2_000
_CURSORS = count()
_REFUSED = Place("kiriman")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. column: "" for the load as a whole. value: masked where it may not be shown."""

    code: str
    severity: Severity
    place: Place
    column: str
    key: str
    value: str
    message: str
    fix: str
    since: datetime
    state: str = OPEN

    @property
    def title(self) -> str:
        """What the catalogue calls it."""
        return entry(self.code).title


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row with findings. cells: by column, masked; empty if they were not asked for."""

    place: Place
    key: str
    cells: dict[str, str | None]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    source_position: str | None
    row_key: str | None
    cells: dict[str, str | None] | None
    reasons: list[dict[str, str | None]]
    created_at: datetime
    state: str
    confirmed: list[str]


def open_entries(load: JudgedLoad) -> sql.Composed:
    """The condition on quarantine.row `q`: the entries that this load left open.

    Of a file these are its own ones. A database or API is asked for its rows again, so these are all of the dataset.
    """
    of_load = sql.SQL("q.dataset = {} and q.state = 'open'").format(sql.Literal(load.contract.key))
    if load.is_upload:
        of_load += sql.SQL(" and q.last_batch_id = {}").format(sql.Literal(load.batch_id))
    return of_load


def _resolved_entries(load: JudgedLoad) -> sql.Composed:
    """The condition on quarantine.row `q`: entries that this load has resolved."""
    return sql.SQL("q.dataset = {} and q.state = 'resolved' and q.updated_at between {} and {}").format(
        *(sql.Literal(value) for value in (load.contract.key, load.started_at, load.finished_at))
    )


def rows_query(load: JudgedLoad, *, cells: bool, resolved: bool, before: str | None = None) -> sql.Composed:
    """Selects the load's entries in the order of their places.

    before: only rows of the sheet whose positions begin so.
    """
    which = open_entries(load)
    if resolved:
        which = sql.SQL("(({}) or ({}))").format(which, _resolved_entries(load))
    place = sql.SQL("substring(q.source_position from '^(.*?)(?:baris|rekaman) [0-9]+$')")
    if before is not None:
        which += sql.SQL(" and {} = {}").format(place, sql.Literal(before))
    return sql.SQL(
        "select q.source_position, q.row_key, {} as cells, q.reasons, q.created_at, q.state, {} as confirmed"
        " from quarantine.row as q where {} order by {},"
        " substring(q.source_position from '(?:baris|rekaman) ([0-9]{{1,15}})$')::bigint, q.entry_id"
    ).format(
        sql.SQL("q.row" if cells else "null::jsonb"),
        _CONFIRMED_CELLS if resolved and has_soft_rules(load.contract) else sql.SQL("array[]::text[]"),
        which,
        place,
    )


_CONFIRMED_CELLS = sql.SQL(
    "array(select c.column_name || ' ' || c.rule from quarantine.confirmed as c,"
    " jsonb_array_elements(q.reasons) as r (reason) where c.dataset = q.dataset and q.state = 'resolved'"
    " and c.column_name = r.reason ->> 'kolom' and c.rule = r.reason ->> 'aturan'"
    " and c.cell_hash = r.reason ->> 'identitas')"
)
"""Columns and rules of a resolved entry that the OPD has confirmed."""


def refused_rows(
    connection: Connection[Any],
    load: JudgedLoad,
    *,
    cells: bool = False,
    resolved: bool = False,
    before: str | None = None,
) -> Generator[RefusedRow]:
    """Gives the rows in the order of the source. Call it in a transaction, because it reads through a cursor.

    resolved: also those that this load has resolved.
    """
    query = rows_query(load, cells=cells, resolved=resolved, before=before)
    name = f"umpan_balik_{next(_CURSORS)}"
    with connection.cursor(name=name, row_factory=class_row(_Entry)) as cursor:
        cursor.itersize = _BLOCK
        for row in cursor.execute(query):
            yield _refused_row(load.contract, row)


def _refused_row(contract: Contract, row: _Entry) -> RefusedRow:
    place, key = read_place(row.source_position), row.row_key or ""
    findings = tuple(_finding(contract, row, reason, place, key) for reason in row.reasons)
    return RefusedRow(place, key, row.cells or {}, findings)


def _finding(
    contract: Contract, row: _Entry, reason: dict[str, str | None], place: Place, key: str
) -> Finding:
    rule, column, fix = (reason.get(name) or "" for name in ("aturan", "kolom", "perbaikan"))
    grade = severity(contract, column, rule)
    if grade is Severity.TO_CONFIRM:
        fix += f"; {_CONFIRM_IN_FILE if contract.server.kind == 'upload' else _CONFIRM}"
    state = OPEN
    if row.state != "open":
        state = CONFIRMED if f"{column} {rule}" in row.confirmed else RESOLVED
    value, message = (reason.get(name) or "" for name in ("nilai", "pesan"))
    return Finding(code_of(rule), grade, place, column, key, value, message, fix, row.created_at, state)


def count_open(connection: Connection[Any], load: JudgedLoad) -> tuple[int, str]:
    """The number of open entries, and a text that changes when they are others."""
    row = connection.execute(
        sql.SQL(
            "select count(*), coalesce(sum(entry_id), 0), coalesce(max(entry_id), 0) from quarantine.row as q where {}"
        ).format(open_entries(load))
    ).fetchone()
    assert row is not None
    return row[0], f"{row[0]}:{row[1]}:{row[2]}"


def findings_of_load(connection: Connection[Any], load: JudgedLoad) -> list[Finding]:
    """What is wrong with the load as a whole: why it failed, and the checks of its table that did not pass."""
    found: list[Finding] = []
    if load.failure:
        found.append(_failure(load, load.failure))
    rows = connection.execute(
        "select check_name, severity, coalesce(code, ''), expectation, message from ops.check_result"
        " where batch_id = %s and asset = %s and not passed order by severity, check_name",
        [load.batch_id, f"raw/{load.contract.key}"],
    ).fetchall()
    soft = soft_checks(load.contract)
    for name, level, noted, expectation, message in rows:
        if name in soft:
            continue  # what the OPD itself has confirmed
        code = noted or code_of_expectation(expectation or name)
        about = entry(code)
        grade = Severity.ERROR if level == "error" else Severity.WARNING
        text = f"{name}: {message or about.sentence}"
        found.append(Finding(code, grade, _REFUSED, "", "", "", text, about.fix_for_opd, load.finished_at))
    return found


def _is_for_opd(code: str, hint: str) -> bool:
    """Whether the OPD can do what the hint of an error says: about its file, and nothing in the contract or zone."""
    return entry(code).kind == KINDS["F"] and not _FOR_OPERATORS.search(hint)


def _failure(load: JudgedLoad, failure: dict[str, str]) -> Finding:
    code = failure["code"]
    hint = failure.get("hint") or ""
    fix = hint if hint and _is_for_opd(code, hint) else entry(code).fix_for_opd
    return Finding(code, Severity.ERROR, _REFUSED, "", "", "", failure["message"], fix, load.finished_at)
