"""Reads any other dialect of SQLAlchemy (SQLite, SQL Server, Oracle, all that have a driver), row by row.

What belongs here: a Python value as exact text that PostgreSQL can cast. This is slower than the readers whose server
makes the text (postgresql.py, mysql.py), but no digit is lost. The snapshot is that of one SELECT.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError
from sqlalchemy.types import TypeEngine

from pipelines.clock import TIMEZONE
from pipelines.contracts.model import Contract, DatabaseExtract
from pipelines.extract.database.clean import REPLACEMENT, Cleaner
from pipelines.extract.database.faults import STATEMENT_ENDED, RefusedError
from pipelines.extract.database.session import Timing
from pipelines.extract.database.shape import Family, Limit, Selection, SourceColumn, no_such_table
from pipelines.extract.database.statement import inner
from pipelines.extract.stream import SourceStream, encode_rows

_CONNECT: Mapping[str, Mapping[str, Any]] = {"mssql+pyodbc": {"timeout": 10}}
_ROWS = 500
_WITA = ZoneInfo(TIMEZONE)
_MONEY = frozenset({"MONEY", "SMALLMONEY"})
_FAMILIES: tuple[tuple[type[TypeEngine[Any]], Family], ...] = (
    (sa.Boolean, "boolean"),
    (sa.Numeric, "number"),
    (sa.Float, "number"),
    (sa.Integer, "integer"),
    (sa.DateTime, "timestamp"),
    (sa.Date, "date"),
    (sa.Time, "time"),
    (sa.LargeBinary, "binary"),
    (sa.JSON, "json"),
    (sa.String, "text"),
)
# The type of a query's column, where the driver names it by a type of Python.
_PYTHON_FAMILIES: Mapping[object, Family] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    Decimal: "number",
    str: "text",
    datetime: "timestamp",
    date: "date",
    clock_time: "time",
    bytes: "binary",
    bytearray: "binary",
}


class DialectSession:
    """A session of any dialect; see extract/database/session.py."""

    def __init__(self, contract: Contract, extract: DatabaseExtract, url: URL, timing: Timing) -> None:
        self._contract, self._extract = contract, extract
        self._engine = sa.create_engine(
            _read_only(url),
            poolclass=sa.NullPool,
            connect_args=dict(_CONNECT.get(url.drivername, {})),
        )
        self._connection = self._engine.connect().execution_options(yield_per=_ROWS)
        self._seconds = contract.server.statement_timeout
        self._monotonic = timing.monotonic
        self._zoned: frozenset[str] = frozenset()
        _limit_statements(self._connection.connection.driver_connection, self._seconds)

    def close(self) -> None:
        """Ends the session without waiting for the server."""
        self._connection.invalidate()
        self._connection.close()

    def columns(self) -> dict[str, SourceColumn]:
        """Returns the columns that SQLAlchemy finds in the table, or in the description of the query's empty result."""
        if self._extract.query:
            result = self._connection.execute(
                sa.select(sa.text("*")).select_from(self._query([])).where(sa.text("1 = 0"))
            )
            described = result.cursor.description if result.cursor else ()
            result.close()
            return {
                name: SourceColumn(
                    _PYTHON_FAMILIES.get(kind, "other"),
                    known=kind in _PYTHON_FAMILIES,
                    kept_as_text=self._keeps_texts,
                )
                for name, kind, *_ in described
            }
        table = self._extract.table or ""
        try:
            found = sa.inspect(self._connection).get_columns(table, self._extract.schema)
        except NoSuchTableError:
            raise no_such_table(self._contract, table) from None
        self._zoned = frozenset(c["name"] for c in found if has_zone(c["type"]))
        return {c["name"]: SourceColumn(family_of(c["type"]), kept_as_text=self._keeps_texts) for c in found}

    @property
    def _keeps_texts(self) -> bool:
        """Whether the source compares times as texts. SQLite does, whatever the column's declared type."""
        return self._engine.dialect.name == "sqlite"

    def lock_reason(self) -> str | None:
        """Returns None: as far as we know, a slow reader blocks writers in no dialect that is read here."""
        return None

    def read(self, selection: Selection, out: SourceStream) -> Iterator[bytes]:
        """Gives the selected rows as blocks of COPY text."""
        names = [name for name in selection.names if name] + list(selection.extra or ())
        source = self._query(names) if self._extract.query else self._table(names)
        # Columns without a type, so that SQLAlchemy does not convert the driver's values.
        query = sa.select(*(sa.column(name) for name in names)).select_from(source)
        for limit in selection.limits:
            query = query.where(self._condition(limit))
        cleaner = Cleaner()
        rows = _Rows(selection, cleaner)
        found = self._connection.execute(self._filtered(query))
        yield from encode_rows(map(rows.cells, self._in_time(found)), out)
        out.warnings.extend(cleaner.warnings())
        if limit := selection.first_limit:
            count = sa.select(sa.func.count()).select_from(source).where(self._not_reached(limit))
            try:
                out.unreachable = self._connection.execute(self._filtered(count)).scalar_one()
            except SQLAlchemyError:
                out.unreachable = None

    def _filtered(self, query: sa.Select[Any]) -> sa.Select[Any]:
        if not self._extract.where:
            return query
        where = inner(self._extract.where, self._engine.dialect.name)
        return query.where(sa.literal_column(f"(\n{where}\n)"))

    def _table(self, names: Sequence[str]) -> sa.FromClause:
        return sa.table(self._extract.table or "", *map(sa.column, names), schema=self._extract.schema)

    def _query(self, names: Sequence[str]) -> sa.FromClause:
        text = inner(self._extract.query or "", self._engine.dialect.name).replace(":", r"\:")
        return sa.text(f"{text}\n").columns(*map(sa.column, names)).subquery("sumber")

    def _condition(self, limit: Limit) -> sa.ColumnElement[bool]:
        column, value = sa.column(limit.name), self._value(limit)
        if limit.zoned is not None and self._keeps_texts:
            clock = sa.func.substr(column, 12)
            zoned = [clock.op("glob")(form) for form in ("*[-+A-Za-z]*", "24*", "*:60*")]
            value = sa.case((sa.or_(*zoned), limit.zoned), else_=value)
        elif limit.zoned is not None:
            value = limit.zoned
        compared = column >= value if limit.operator == ">=" else column < value
        return compared if limit.zoned is None else sa.and_(column.like(limit.like), compared)

    def _not_reached(self, limit: Limit) -> sa.ColumnElement[bool]:
        """Returns a condition: whether no limit on this column finds the row (NULL, or a text that is not a date)."""
        column = sa.column(limit.name)
        if limit.zoned is None:
            return column.is_(None)
        return column.is_(None) | column.not_like(limit.like)

    def _value(self, limit: Limit) -> Any:
        """Returns the limit as a value that the driver compares with the column."""
        if limit.family in ("integer", "number"):
            return int(limit.value) if limit.family == "integer" else Decimal(limit.value)
        if limit.family == "timestamp":
            # Without a zone the server would treat the time as one in its own zone, or in UTC.
            zone = _WITA if limit.name in self._zoned else None
            return datetime.fromisoformat(limit.value).replace(tzinfo=zone)
        return date.fromisoformat(limit.value[:10]) if limit.family == "date" else limit.value

    def _in_time(self, result: sa.CursorResult[Any]) -> Iterator[Sequence[Any]]:
        deadline = self._monotonic() + self._seconds
        for part in result.partitions():
            yield from part
            if self._monotonic() > deadline:
                raise RefusedError(
                    f"pembacaan lebih lama dari {self._seconds} detik", STATEMENT_ENDED, ours=True
                )


def family_of(kind: TypeEngine[Any]) -> Family:
    """Returns the family of an SQLAlchemy type."""
    if kind.__visit_name__.upper() in _MONEY:
        return "number"
    if isinstance(kind, sa.Uuid):
        return "other"
    for known, family in _FAMILIES:
        if isinstance(kind, known):
            return family
    return "other"


def has_zone(kind: TypeEngine[Any]) -> bool:
    """Whether a column's times have a zone. SQL Server says so by the name of the type, others by an option."""
    return kind.__visit_name__.upper() == "DATETIMEOFFSET" or bool(getattr(kind, "timezone", False))


def text_of(value: Any) -> str | None:
    """Returns a driver's value as text that PostgreSQL casts to exactly the same value; times in ISO 8601."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value)
        case Decimal():
            return format(value, "f")
        case datetime():
            return (value.astimezone(_WITA) if value.tzinfo else value).isoformat(sep=" ")
        case date() | clock_time():
            return value.isoformat()
        case timedelta():
            return _duration(value)
        case bytes() | bytearray() | memoryview():
            return rf"\x{value.hex()}"
        case dict() | list() | tuple():
            return json.dumps(value, ensure_ascii=False, default=text_of)
        case _:
            return str(value)


class _Rows:
    """Turns a driver's rows into cells in the order of the stream."""

    def __init__(self, selection: Selection, cleaner: Cleaner) -> None:
        self._cleaner = cleaner
        self._extra = selection.extra
        given = iter(range(len(selection.names)))
        self._places = [next(given) if name else None for name in selection.names]
        self._known = sum(place is not None for place in self._places)

    def cells(self, row: Sequence[Any]) -> list[str | None]:
        """Returns the texts of a row; replaces and counts NUL characters."""
        texts = [text_of(value) for value in row]
        if any(text and "\0" in text for text in texts):
            self._cleaner.nul += 1
            texts = [text and text.replace("\0", REPLACEMENT) for text in texts]
        cells = [None if place is None else texts[place] for place in self._places]
        if self._extra is not None:
            extra = dict(zip(self._extra, texts[self._known :], strict=True))
            cells.append(json.dumps(extra, ensure_ascii=False) if extra else None)
        return cells


def _duration(value: timedelta) -> str:
    """Writes a duration as [-]HH:MM:SS[.ffffff]; the hours may be above 24."""
    sign = "-" if value < timedelta(0) else ""
    seconds, micros = divmod(abs(value) // timedelta(microseconds=1), 1_000_000)
    text = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{micros:06d}" if micros else text


def _read_only(url: URL) -> URL:
    """Returns the URL in read-only mode for SQLite, which otherwise creates a missing file."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith(("file:", ":")):
        return url
    return url.set(database=f"file:{quote(url.database)}").update_query_dict({"mode": "ro", "uri": "true"})


def _limit_statements(connection: Any, seconds: int) -> None:
    """Sets the time-out of a statement, if the driver has one: pyodbc (seconds), oracledb (milliseconds)."""
    if type(connection).__module__.startswith("pyodbc"):
        connection.timeout = seconds
    elif hasattr(connection, "call_timeout"):
        connection.call_timeout = seconds * 1000
