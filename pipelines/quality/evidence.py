"""Shows which rows break a rule: the SQL that finds them, and a sample of them whose closed values are masked.

A rule's own query often selects one column, or none that says which row it is. Where each row that it finds is one of
the table, its select list is replaced: the key, the columns that the rule names, and the row's place in its source.
Other queries (groups, joins that miss a row) keep their select list, of which a value is shown only if every column
that it is made of may be shown.

What belongs here: replacing the select list, and taking the sample. Not here: running the rules (run.py), following the
columns of other queries (own_columns.py), which columns of a model are open (models/lineage/open_columns.py).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import sqlglot
from psycopg import Connection, sql
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from pipelines.contracts.model import Contract
from pipelines.contracts.raw_table import POSITION
from pipelines.contracts.windows import Window, period_begin
from pipelines.load.raw_summary import is_current
from pipelines.load.stage.masking import is_text_beside_a_person
from pipelines.quality.own_columns import folded, own_columns
from pipelines.quality.query_text import ROWS, outermost
from pipelines.quality.results import CheckResult, Sample
from pipelines.redaction.database_urls import libpq_url
from pipelines.redaction.personal_shapes import MASK, masked
from pipelines.warehouse.relation import Relation, trusted_sql

SAMPLE_ROWS = 5
SAMPLE_SECONDS = 10
"""How long taking one sample may take at most."""
_LONGEST_VALUE = 120
"""Characters of a value in a sample."""
OPEN_CLASS = "terbuka"


@dataclass(frozen=True, slots=True)
class Table:
    """What may be shown of the rows of a relation.

    keys: the columns by which a row is known. shown: those whose values may be shown. origin: the column with the row's
    place in its source, which may always be shown; None if there is none.
    """

    columns: tuple[str, ...]
    keys: tuple[str, ...] = ()
    shown: frozenset[str] = frozenset()
    origin: str | None = None


def table_of(contract: Contract) -> Table:
    """What may be shown of a dataset's rows: columns of class `terbuka` without free text about persons, and keys.

    A key that is not personal is shown whatever its class, as in quarantine: without it nobody finds the row.
    """
    keys = contract.identity
    shown = {
        c.name
        for c in contract.stored
        if (c.name in keys and not c.personal)
        or (c.classification == OPEN_CLASS and not is_text_beside_a_person(contract, c))
    }
    return Table(tuple(c.name for c in contract.stored), keys, frozenset(shown), POSITION)


def raw_rows(contract: Contract, window: Window | None = None) -> Relation | str:
    """A dataset's rows in raw that are in force: the table, or a query as SQL if a part of it is in force.

    window: only the rows of these days.
    """
    raw = Relation("raw", contract.table)
    in_force = is_current(contract)
    conditions: list[sql.Composable] = [in_force] if in_force else []
    if window and contract.partition:
        conditions.append(window.condition(period_begin(contract.column(contract.partition.column))))
    if not conditions:
        return raw
    condition = sql.SQL(" and ").join(conditions).as_string(None)
    return f"select * from {raw} where {condition}"  # noqa: S608 (ours)


@dataclass(frozen=True, slots=True)
class Finder:
    """A query that finds rows of ROWS.

    columns: of its result the names, and whether the values may be shown. is_select: it begins with SELECT, so that
    WITH can stand before it.
    """

    text: str
    columns: tuple[tuple[str, bool], ...] = ()
    is_select: bool = False

    def on(self, rows: Relation | str) -> str:
        """The query on a relation, or on the rows of a query, which is SQL."""
        if isinstance(rows, Relation):
            return self.text.replace(ROWS, str(rows))
        text = self.text if self.is_select else f"select * from (\n{self.text}\n) as ditemukan"  # noqa: S608 (ours)
        return f"with {ROWS} as (\n{rows}\n)\n{text}"


def finder(query: str, table: Table) -> Finder:
    """The finder of a rule's query on ROWS. Without `columns` there is nothing to show of the rows that it finds."""
    text = query.strip().rstrip(";").rstrip()
    try:
        tree = sqlglot.parse_one(text, read="postgres")
        from_ = outermost(text, TokenType.FROM)
    except SqlglotError:
        return Finder(text)
    if from_ is not None and (alias := _alias_of_rows(tree)):
        named = {folded(c.this) for c in tree.find_all(exp.Column) if isinstance(c.this, exp.Identifier)}
        wanted = dict.fromkeys([*table.keys, *(c for c in table.columns if c in named)])
        columns = [(name, name in table.shown) for name in wanted]
        columns += [(table.origin, True)] if table.origin else []
        if columns:
            listed = ", ".join(f"{alias}.{_quoted(name)}" for name, _ in columns)
            return Finder(f"select {listed}\n{text[from_.start :]}", tuple(columns), is_select=True)
    return Finder(text, _own_columns(tree, table), is_select=not tree.args.get("with_"))


def duplicates(columns: Sequence[str]) -> str:
    """A query for the rows of ROWS whose values in `columns` another row has, too."""
    query = sql.SQL(
        "select 1 from {rows} where ({columns}) in"
        " (select {columns} from {rows} group by {columns} having count(*) > 1)"
    )
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    return query.format(rows=sql.SQL(ROWS), columns=listed).as_string(None)


def with_evidence(
    results: Iterable[CheckResult],
    table: Table | Callable[[], Table],
    warehouse: str | Connection[Any],
    relation: Relation,
    shown: Callable[[], Relation | str],
) -> list[CheckResult]:
    """The results, those that failed with a query for people and a sample, if their query finds rows.

    table: a function if it takes time to know; it is called only if something failed. warehouse: a URL (SQLAlchemy,
    psycopg), or a session. relation: the checked relation. shown: gives the relation, or the query as SQL, that the
    shown SQL reads, because what was checked is dropped. A query that the database refuses is not shown.
    """
    results = list(results)
    if not any(r.query for r in results):
        return results
    known = table() if callable(table) else table
    rows = shown()
    found: list[CheckResult] = []
    with _session(warehouse) as opened:
        session = opened
        for result in results:
            if not result.query:
                found.append(result)
                continue
            seeker = finder(result.query, known)
            query, sample = seeker.on(rows), None
            try:
                sample = _sample(session, seeker, relation) if session else None
            except psycopg.errors.QueryCanceled:
                session = None  # the table is large: one wait is enough, and a person has more time
            except psycopg.Error:
                query = ""
            found.append(replace(result, query=query, sample=sample))
    return found


@contextmanager
def _session(warehouse: str | Connection[Any]) -> Generator[Connection[Any] | None]:
    """A session of the warehouse; None if it can't be reached: then there are no samples."""
    if not isinstance(warehouse, str):
        yield warehouse
        return
    try:
        session = psycopg.connect(libpq_url(warehouse), autocommit=True)
    except psycopg.Error:
        yield None
        return
    with session:
        yield session


def _sample(session: Connection[Any], seeker: Finder, relation: Relation) -> Sample | None:
    """Some of the rows; None if there is nothing to show. Raises psycopg.Error, QueryCanceled after SAMPLE_SECONDS."""
    if not seeker.columns:
        return None
    names = [sql.Identifier(f"c{n}") for n in range(len(seeker.columns))]
    shown, hidden = sql.SQL("left({}::text, {})"), sql.SQL("case when {} is not null then {} end")
    cells = [
        shown.format(name, _LONGEST_VALUE) if may_show else hidden.format(name, MASK)
        for name, (_, may_show) in zip(names, seeker.columns, strict=True)
    ]
    query = sql.SQL("select {} from (\n{}\n) as ditemukan ({}) limit {}").format(
        sql.SQL(", ").join(cells), trusted_sql(seeker.on(relation)), sql.SQL(", ").join(names), SAMPLE_ROWS
    )
    with session.transaction(force_rollback=True):
        session.execute(
            sql.SQL("set local statement_timeout = {}").format(sql.Literal(SAMPLE_SECONDS * 1000))
        )
        rows = session.execute(query).fetchall()
    labels = _unique_labels([label for label, _ in seeker.columns])
    texts = (tuple(None if cell is None else masked(cell) for cell in row) for row in rows)
    return Sample(labels, tuple(texts)) if rows else None


def _unique_labels(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        label if label not in labels[:place] else f"{label}_{place + 1}" for place, label in enumerate(labels)
    )


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)


def _alias_of_rows(tree: exp.Expr) -> str:
    """The name of ROWS in a query whose every row is a row of ROWS; "" for any other query."""
    if not isinstance(tree, exp.Select) or any(tree.args.get(part) for part in ("with_", "group", "having")):
        return ""
    if tree.args.get("distinct") or any(p.find(exp.AggFunc, exp.Window) for p in tree.expressions):
        return ""
    source = tree.args["from_"].this if tree.args.get("from_") else None
    if not isinstance(source, exp.Table) or source.name != ROWS or source.args.get("db"):
        return ""
    alias = source.args.get("alias")
    if alias is None:
        return ROWS
    return "" if alias.columns else _quoted(folded(alias.this))


def _own_columns(tree: exp.Expr, table: Table) -> tuple[tuple[str, bool], ...]:
    """The names of a query's own columns, and whether they may be shown; nothing if they show nothing of a row."""
    if (
        not isinstance(tree, exp.Select)
        or tree.is_star
        or not any(p.find(exp.Column) for p in tree.expressions)
    ):
        return ()
    rows = {name: name in table.shown for name in table.columns}
    if table.origin:
        rows[table.origin] = True
    return tuple(own_columns(tree, {ROWS: rows}))
