"""Shows which rows break a rule: the SQL that finds them, and a sample of them whose closed values are masked.

A rule's own query often selects one column, or none that says which row it is. Where each row that it finds is one of
the table, its select list is replaced: the key, the columns that the rule names, and the row's place in its source.
Other queries (groups, joins that miss a row) keep their select list, of which a value is shown only if every column
that it is made of may be shown.

What belongs here: that analysis, and taking the sample. Not here: running the rules (run.py), which columns of a model
are open (publication/clearance.py).
"""

from __future__ import annotations

import re
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
from pipelines.contracts.windows import Window
from pipelines.load.raw_summary import is_current
from pipelines.load.stage.masking import is_text_beside_a_person
from pipelines.quality.results import CheckResult, Sample
from pipelines.redaction.database_urls import libpq_url
from pipelines.redaction.personal_shapes import MASK, masked
from pipelines.warehouse.relation import trusted_sql

ROWS = "gudang_baris"
"""The name that stands for the checked relation in the query of a rule."""
SAMPLE_ROWS = 5
SAMPLE_SECONDS = 10
"""How long taking one sample may take at most."""
_LONGEST_VALUE = 120
"""Characters of a value in a sample."""
OPEN_CLASS = "terbuka"
_REFERENCE = re.compile(r"ref_\w+")


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


def raw_rows(contract: Contract, window: Window | None = None) -> str:
    """The SQL of a dataset's rows in raw that are in force: the table's name, or a query if a part of it is in force.

    window: only the rows of these days.
    """
    raw = sql.Identifier("raw", contract.table)
    in_force = is_current(contract)
    conditions: list[sql.Composable] = [in_force] if in_force else []
    if window and contract.partition:
        conditions.append(window.condition(sql.Identifier(contract.partition.column)))
    if not conditions:
        return raw.as_string(None)
    return sql.SQL("select * from {} where {}").format(raw, sql.SQL(" and ").join(conditions)).as_string(None)


@dataclass(frozen=True, slots=True)
class Finder:
    """A query that finds rows of ROWS. columns: of its result the names, and whether the values may be shown."""

    text: str
    columns: tuple[tuple[str, bool], ...] = ()

    def on(self, relation: str) -> str:
        """The query on a relation, or on the rows of a query."""
        if not re.match(r"(?i)\s*(select|with)\b", relation):
            return self.text.replace(ROWS, relation)
        begins_with = re.match(r"(?i)\s*with\b", self.text)
        text = f"select * from (\n{self.text}\n) as ditemukan" if begins_with else self.text  # noqa: S608 (ours)
        return f"with {ROWS} as (\n{relation}\n)\n{text}"


def finder(query: str, table: Table) -> Finder:
    """The finder of a rule's query on ROWS. Without `columns` there is nothing to show of the rows that it finds."""
    text = query.strip().rstrip(";").rstrip()
    try:
        tree = sqlglot.parse_one(text, read="postgres")
        start = _start_of_from(text)
    except SqlglotError:
        return Finder(text)
    if start is not None and (alias := _alias_of_rows(tree)):
        named = {c.name for c in tree.find_all(exp.Column)}
        wanted = dict.fromkeys([*table.keys, *(c for c in table.columns if c in named)])
        columns = [(name, name in table.shown) for name in wanted]
        columns += [(table.origin, True)] if table.origin else []
        if columns:
            listed = ", ".join(f"{alias}.{_quoted(name)}" for name, _ in columns)
            return Finder(f"select {listed}\n{text[start:]}", tuple(columns))
    return Finder(text, _own_columns(tree, table))


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
    relation: str,
    shown: Callable[[], str],
) -> list[CheckResult]:
    """The results, those that failed with a query for people and a sample, if their query finds rows.

    table: a function if it takes time to know; it is called only if something failed. warehouse: a URL (SQLAlchemy,
    psycopg), or a session. relation: the checked relation as SQL. shown: gives the relation or query that the shown
    SQL reads, because what was checked is dropped. A query that the database refuses is not shown.
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


def _sample(session: Connection[Any], seeker: Finder, relation: str) -> Sample | None:
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


def _start_of_from(text: str) -> int | None:
    """Where the FROM of the outermost query starts in the text."""
    depth, before = 0, None
    for token in sqlglot.tokenize(text, read="postgres"):
        if token.token_type in (TokenType.L_PAREN, TokenType.R_PAREN):
            depth += 1 if token.token_type is TokenType.L_PAREN else -1
        elif depth == 0 and token.token_type is TokenType.FROM and before is not TokenType.DISTINCT:
            return token.start
        before = token.token_type
    return None


def _alias_of_rows(tree: exp.Expr) -> str:
    """The name of ROWS in a query whose every row is a row of ROWS; "" for any other query."""
    if not isinstance(tree, exp.Select) or any(tree.args.get(part) for part in ("with_", "group", "having")):
        return ""
    if tree.args.get("distinct") or any(p.find(exp.AggFunc, exp.Window) for p in tree.expressions):
        return ""
    source = tree.args["from_"].this if tree.args.get("from_") else None
    if not isinstance(source, exp.Table) or source.name != ROWS:
        return ""
    return _quoted(source.alias) if source.alias else ROWS


def _own_columns(tree: exp.Expr, table: Table) -> tuple[tuple[str, bool], ...]:
    """The names of a query's own columns, and whether they may be shown; nothing if they show nothing of a row."""
    if not isinstance(tree, exp.Select) or tree.is_star or not any(map(_columns, tree.expressions)):
        return ()
    closed = _closed_names(tree, table)
    references = _reference_names(tree)
    return tuple(
        (
            p.alias_or_name or f"nilai_{n}",
            not any(_is_closed(c, closed, references) for c in _columns(p)),
        )
        for n, p in enumerate(tree.expressions, 1)
    )


def _columns(part: exp.Expr) -> list[exp.Column]:
    return list(part.find_all(exp.Column))


def _is_closed(column: exp.Column, closed: frozenset[str] | None, references: frozenset[str]) -> bool:
    return closed is None or (column.table not in references and column.name in closed)


def _reference_names(tree: exp.Expr) -> frozenset[str]:
    """The names in the query of reference tables (core.ref_*), which everybody may read."""
    tables = [t for t in tree.find_all(exp.Table) if t.db == "core" and _REFERENCE.fullmatch(t.name)]
    others = {t.alias_or_name for t in tree.find_all(exp.Table, exp.Subquery) if t not in tables}
    return frozenset({t.alias_or_name for t in tables} - others)


def _closed_names(tree: exp.Expr, table: Table) -> frozenset[str] | None:
    """The names in the query that may stand for a closed value; None if all of them may.

    A name is followed wherever it occurs, also through subqueries: an alias is closed if it is made of a closed name.
    """
    queries = {cte.alias for cte in tree.find_all(exp.CTE)}
    for read in tree.find_all(exp.Table):
        is_reference = read.db == "core" and _REFERENCE.fullmatch(read.name)
        if not (is_reference or (not read.db and read.name in {ROWS, *queries})):
            return None
    references = _reference_names(tree)
    aliases = [(alias.alias, _columns(alias.this)) for alias in tree.find_all(exp.Alias)]
    made = {name for name, _ in aliases}
    closed = {c for c in table.columns if c not in table.shown}
    # The name of a table stands for its whole row.
    closed |= {t.alias_or_name for t in tree.find_all(exp.Table, exp.Subquery)} - {""}
    closed |= {c.name for a in tree.find_all(exp.TableAlias) for c in a.columns}
    closed |= {
        c.name
        for c in tree.find_all(exp.Column)
        if c.name not in table.shown and c.name not in made and c.table not in references
    }
    while more := {
        name
        for name, parts in aliases
        if name not in closed and any(_is_closed(c, frozenset(closed), references) for c in parts)
    }:
        closed |= more
    return frozenset(closed)
