"""Reads from MariaDB and MySQL; the server builds each row as one line of COPY text.

What belongs here: one session, its settings, its SELECT. The line is built as bytes (replace() on binary strings takes
a third of the time that it takes on utf8mb4), so a cell's bytes reach us as they are stored; clean.py finds those that
are not UTF-8. Where a line would be longer than max_allowed_packet, the server gives NULL and a warning: such rows are
read again, cell by cell, in the same snapshot.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pymysql
from pymysql.cursors import SSCursor
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
from sqlalchemy.engine import URL

from pipelines.contracts.model import Contract, DatabaseExtract
from pipelines.errors import SourceError
from pipelines.extract.database.clean import REPLACEMENT, Cleaner
from pipelines.extract.database.faults import RefusedError
from pipelines.extract.database.mysql_cells import NULL, cell, field, json_field, line, literal, quoted
from pipelines.extract.database.mysql_types import of_result, of_table
from pipelines.extract.database.packets import (
    abandon_result,
    close,
    keep_alive,
    read_values,
    result_fields,
    set_read_timeout,
)
from pipelines.extract.database.session import Timing
from pipelines.extract.database.shape import (
    EARLIEST,
    Limit,
    Selection,
    SourceColumn,
    no_such_table,
)
from pipelines.extract.database.statement import inner
from pipelines.extract.stream import SourceStream, escape

_CONNECT_S = 10.0
_TIME_ZONE = "+08:00"
# The modes that change how the OPD's own SQL is parsed stay; those that change values are removed.
_SYNTAX_MODES = frozenset(
    {"ANSI_QUOTES", "PIPES_AS_CONCAT", "IGNORE_SPACE", "NO_BACKSLASH_ESCAPES", "HIGH_NOT_PRECEDENCE"}
)
_PLAIN = re.compile(r"[0-9:. +-]+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
# JSON writes a NUL as \u0000, and COPY text doubles the backslash. After an escaped backslash it is plain text.
_JSON_NUL = re.compile(rb"(?<!\\)((?:\\{4})*)\\\\u0000")


class MysqlSession:
    """A session of MariaDB or MySQL; see extract/database/session.py."""

    def __init__(self, contract: Contract, extract: DatabaseExtract, url: URL, timing: Timing) -> None:
        self._contract, self._extract = contract, extract
        self._longest_silence = contract.server.statement_timeout + timing.grace
        _, options = MySQLDialect_pymysql(dbapi=pymysql).create_connect_args(url)
        limits: dict[str, Any] = {f"{what}_timeout": _CONNECT_S for what in ("connect", "read", "write")}
        arguments: dict[str, Any] = limits | dict(options) | {"charset": "utf8mb4"}
        message = ""
        try:
            self._connection: Any = pymysql.connect(**arguments)
        except RuntimeError:
            message = "login gagal: cara login server ini memerlukan paket cryptography, yang tidak terpasang"
        except ValueError:
            message = "login gagal: pengguna atau kata sandi berisi karakter yang tidak dapat dikirim"
        if message:
            raise RefusedError(message, ours=True)
        self._columns: dict[str, SourceColumn] = {}
        try:
            self._set_up()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the socket, without a message that a silent or busy server would not read."""
        close(self._connection)

    def columns(self) -> dict[str, SourceColumn]:
        """Returns the columns. A query's are read from its result.

        A table's are read from the catalogue, which needs no right to read the columns that the contract does not use.
        """
        self._columns = self._query_columns() if self._extract.query else self._table_columns()
        return self._columns

    def lock_reason(self) -> str | None:
        """Names table and engine if the engine has no transactions, such as MyISAM: reading locks the table."""
        if not self._extract.table:
            return None
        query = "select t.engine from information_schema.tables t join information_schema.engines e using (engine)"
        query += f" where t.table_schema = {self._schema()} and t.table_name = {_name(self._extract.table)}"
        found = self._rows(query + " and e.transactions = 'NO'")
        return f"tabel {self._extract.table} memakai {found[0][0]}" if found else None

    def read(self, selection: Selection, out: SourceStream) -> Iterator[bytes]:
        """Gives the selected rows as lines that the server built, then those that it could not build."""
        fields = [field(n, self._columns[n]) if n else NULL for n in selection.names]
        extra = {name: self._columns[name] for name in selection.extra or ()}
        if selection.extra is not None:
            fields.append(json_field(extra) if extra else NULL)
        cleaner = Cleaner()
        rows = unbuilt = 0
        query = f"select {line(fields)} {self._from(selection.limits)}"
        for values in read_values(self._connection, query):
            lines = [value for value in values if value is not None]
            rows += len(lines)
            unbuilt += len(values) - len(lines)
            if lines:
                block = cleaner.block(b"\n".join(lines) + b"\n")
                yield _without_json_nul(block) if extra and rb"\\u0000" in block else block
        if unbuilt:
            for text in self._read_again(selection, f"{line(fields)} is null", unbuilt):
                yield cleaner.line(text) + b"\n"
        out.rows = rows + unbuilt
        out.warnings.extend(cleaner.warnings())
        out.unreachable = self._unreachable(selection)

    def _unreachable(self, selection: Selection) -> int | None:
        """Counts the rows that no read with `selection.first_limit` finds; None without limits, or if it is unknown."""
        if selection.first_limit is None:
            return None
        try:
            ((count,),) = self._rows(
                f"select count(*) {self._from((), unreachable_condition(selection.first_limit))}"
            )
        except pymysql.MySQLError:
            return None
        return int(count)

    # -- session ---------------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        names = "'sql_mode', 'max_statement_time', 'max_execution_time', 'idle_transaction_timeout'"
        rows = self._rows(f"show session variables where variable_name in ({names})")
        known: dict[str, str] = dict(rows)
        for statement in session_statements(known, self._contract.server.statement_timeout):
            self._rows(statement)
        keep_alive(self._connection)
        set_read_timeout(self._connection, self._longest_silence)

    def _rows(self, query: str) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    # -- columns ---------------------------------------------------------------------------------------------

    def _table_columns(self) -> dict[str, SourceColumn]:
        table = self._extract.table or ""
        query = (
            "select column_name, data_type, column_type, character_set_name from information_schema.columns"
        )
        query += f" where table_schema = {self._schema()} and table_name = {_name(table)}"
        found = self._rows(query + " order by ordinal_position")
        if not found:
            raise no_such_table(self._contract, table)
        return {name: of_table(kind, full_type, charset) for name, kind, full_type, charset in found}

    def _schema(self) -> str:
        return _name(self._extract.schema) if self._extract.schema else "database()"

    def _query_columns(self) -> dict[str, SourceColumn]:
        self._connection.query(f"select * from {self._source()} limit 0")  # noqa: S608  # names are quoted
        return {
            f.name: of_result(f.type_code, f.charsetnr, f.length) for f in result_fields(self._connection)
        }

    # -- statements ------------------------------------------------------------------------------------------

    def _source(self) -> str:
        extract = self._extract
        if extract.query:
            # The line break ends a comment at the end of the query.
            return f"(\n{inner(extract.query, 'mysql')}\n) sumber"
        return (quoted(extract.schema) + "." if extract.schema else "") + quoted(extract.table or "")

    def _from(self, limits: Sequence[Limit], *more: str) -> str:
        conditions = [limit_condition(limit) for limit in limits] + list(more)
        if self._extract.where:
            conditions.append(f"(\n{inner(self._extract.where, 'mysql')}\n)")
        return f"from {self._source()}" + (f" where {' and '.join(conditions)}" if conditions else "")

    def _read_again(self, selection: Selection, condition: str, expected: int) -> Iterator[bytes]:
        """Gives the lines of the rows that the server could not build. Raises SourceError if their number differs."""
        found = 0
        for text in self._cell_by_cell(selection, condition):
            found += 1
            yield text
        if found != expected:
            message = f"{expected} baris terlalu panjang untuk max_allowed_packet, tetapi {found} yang ditemukan lagi"
            hint = "sumber berubah selama dibaca; muat lagi"
            raise SourceError(self._contract.key, message, hint=hint, transient=True, code="GDK-S016")

    def _cell_by_cell(self, selection: Selection, condition: str) -> Iterator[bytes]:
        """Makes the lines of COPY text of the rows that the server could not build, from their cells."""
        columns = {n: self._columns[n] for n in (*selection.names, *(selection.extra or ())) if n}
        cells = [cell(n, c) for n, c in columns.items()]
        nulls = [f"{quoted(n)} is null" for n in columns]
        self._connection.use_unicode = False
        cursor = self._connection.cursor(SSCursor)
        try:
            cursor.execute(f"select {', '.join(cells + nulls)} {self._from(selection.limits, condition)}")
            while row := cursor.fetchone():
                found = dict(zip(columns, row[: len(columns)], strict=True))
                for name, value, null in zip(columns, row[: len(columns)], row[len(columns) :], strict=True):
                    if value is None and not null:
                        raise RefusedError(
                            f"ada nilai {name} yang lebih panjang dari max_allowed_packet", ours=True
                        )
                    if value is not None and columns[name].family == "binary":
                        found[name] = rb"\x" + value.hex().encode()
                fields = [_field(found[name] if name else None) for name in selection.names]
                if selection.extra is not None:
                    fields.append(_json(found, selection.extra))
                yield b"\t".join(fields)
        finally:
            abandon_result(self._connection)


def session_statements(known: Mapping[str, str], statement_timeout: int) -> list[str]:
    """Returns the statements that set a session's limits and fix the text of values.

    known: the variables that the server has. MariaDB has max_statement_time in seconds, MySQL max_execution_time in
    milliseconds. The server closes the connection if the client reads nothing for net_write_timeout seconds. A slowed
    reading can pause that long, so the timeout is raised.
    """
    modes = [mode for mode in known.get("sql_mode", "").split(",") if mode in _SYNTAX_MODES]
    settings = {
        "sql_mode": f"'{','.join(modes)}'",
        "time_zone": f"'{_TIME_ZONE}'",
        "net_write_timeout": str(statement_timeout),
        "lock_wait_timeout": "60",
        "sql_select_limit": str(2**64 - 1),
        "group_concat_max_len": str(2**24),
        "max_statement_time": str(statement_timeout),
        "max_execution_time": str(statement_timeout * 1000),
        "idle_transaction_timeout": "60",
    }
    unsupported = {"max_statement_time", "max_execution_time", "idle_transaction_timeout"} - known.keys()
    return [
        *(f"set session {name} = {value}" for name, value in settings.items() if name not in unsupported),
        "set session transaction isolation level repeatable read",
        "start transaction with consistent snapshot, read only",
    ]


def _name(text: str) -> str:
    """Returns SQL for a name as a text value, whatever character set the catalogue has."""
    return f"convert({literal(text)} using utf8mb4)"


def limit_condition(limit: Limit) -> str:
    """Returns the SQL of a limit. Texts are compared by their bytes, in the order of ISO 8601, not by a collation."""
    name, value = quoted(limit.name), limit.value
    if limit.family == "text":
        bound, form = literal(value), ""
        if limit.zoned is not None:
            bound = f"if({_is_zoned(name)}, {literal(limit.zoned)}, {bound})"
            form = f"{_is_like(limit)} and "
        return f"{form}cast(convert({name} using utf8mb4) as binary) {limit.operator} {bound}"
    if limit.family in ("integer", "number", "boolean"):
        value = value if _NUMBER.fullmatch(value) else None
    else:
        value = f"'{value}'" if _PLAIN.fullmatch(value) else None
    if value is None:
        raise RefusedError(
            f"kolom {limit.name} tidak dapat dibandingkan dengan nilai terakhir yang dibaca", ours=True
        )
    return f"{name} {limit.operator} {value}"


def _is_zoned(name: str) -> str:
    """Returns an SQL condition: whether the day of a time may be another one in WITA.

    That is a time with a zone (+, - or a letter after date and T), with 24:00, or with second 60.
    """
    return f"substr(convert({name} using utf8mb4), 12) regexp _utf8mb4 {literal('[-+A-Za-z]|^24|:60')}"


def _is_like(limit: Limit) -> str:
    return f"(convert({quoted(limit.name)} using utf8mb4) like _utf8mb4 {literal(limit.like)})"


def unreachable_condition(limit: Limit) -> str:
    """Returns an SQL condition: whether no limit on this column finds the row.

    That is a NULL, a date before EARLIEST ("0000-00-00"), or a text that is not a time.
    """
    name = quoted(limit.name)
    if limit.zoned is not None:
        return f"({name} is null or not {_is_like(limit)})"
    if limit.family in ("date", "timestamp"):
        return f"({name} is null or {name} < '{EARLIEST}')"
    return f"{name} is null"


def _without_json_nul(block: bytes) -> bytes:
    """Replaces each NUL in the JSON at the end of a line with U+FFFD, because jsonb can't contain NUL."""
    lines: list[bytes] = []
    for text in block.split(b"\n"):
        head, tab, extra = text.rpartition(b"\t")
        lines.append(head + tab + _JSON_NUL.sub(b"\\1\xef\xbf\xbd", extra))
    return b"\n".join(lines)


def _field(text: bytes | None) -> bytes:
    """Turns a cell's bytes into a field of COPY text. latin-1 turns each byte into one character and back."""
    return rb"\N" if text is None else escape(text.decode("latin-1")).encode("latin-1")


def _json(found: Mapping[str, bytes | None], names: Sequence[str]) -> bytes:
    if not names:
        return rb"\N"
    texts = {n: None if (t := found[n]) is None else _decoded(t) for n in names}
    return _field(json.dumps(texts, ensure_ascii=False).encode())


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace").replace("\0", REPLACEMENT)
