"""Reads from PostgreSQL; the server makes the COPY blocks, which are passed on unchanged.

What belongs here: one session, its settings, its SELECT. Every setting that affects text is set, so that the text of a
value does not depend on the server. Blocks are in COPY's binary format where that is possible (docs/adr/062): numbers
and times are then neither written as text nor parsed. Not here: the select list (postgresql_cells.py).
"""

from __future__ import annotations

import select
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import pq, sql
from psycopg.pq.abc import PGresult
from sqlalchemy.engine import URL

from pipelines.clock import TIMEZONE
from pipelines.contracts.model import Contract, DatabaseExtract
from pipelines.extract.database.clean import Cleaner
from pipelines.extract.database.faults import RefusedError, SilentError
from pipelines.extract.database.postgresql_cells import binary, binary_cells, text_cells
from pipelines.extract.database.session import Timing
from pipelines.extract.database.shape import (
    EARLIEST,
    Family,
    Limit,
    Selection,
    SourceColumn,
    no_such_table,
)
from pipelines.extract.database.statement import inner
from pipelines.extract.stream import SourceStream
from pipelines.redaction import sqlstates
from pipelines.redaction.database_urls import libpq_url

_BLOCK = 1 << 18
_CONNECT = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "application_name": "gudang",
}
_SETTINGS = {
    "bytea_output": "hex",
    "client_min_messages": "error",
    "datestyle": "ISO, YMD",
    "extra_float_digits": "3",
    "intervalstyle": "iso_8601",
    "timezone": TIMEZONE,
    "xmlbinary": "base64",
    "idle_in_transaction_session_timeout": "60s",
}
_FAMILIES: dict[str, Family] = {
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamp",
    "time": "time",
    "timetz": "time",
    "bytea": "binary",
    "json": "json",
    "jsonb": "json",
}
_WAREHOUSE: dict[str, frozenset[str]] = {
    "int2": frozenset({"smallint", "integer", "bigint"}),
    "int4": frozenset({"integer", "bigint"}),
    "int8": frozenset({"bigint"}),
    "float4": frozenset({"double precision"}),
    "float8": frozenset({"double precision"}),
    "numeric": frozenset({"numeric"}),
    "bool": frozenset({"boolean"}),
    "date": frozenset({"date"}),
    "time": frozenset({"time"}),
    "timestamp": frozenset({"timestamp"}),
    "timestamptz": frozenset({"timestamptz"}),
}
# pg_type.typcategory: boolean, enum, numeric, string.
_CATEGORIES: dict[str, Family] = {"B": "boolean", "E": "text", "N": "number", "S": "text"}
_BINARY_SYNTAX = 90_000
"""The first version of PostgreSQL that knows `copy ... (format binary)`."""
_UNDEFINED_TABLE, _INVALID_SCHEMA = "42P01", "3F000"
_ZONED = "^.{11}(.*[-+A-Za-z]|24|.*:60)"
"""Matches a time whose day may differ in WITA: with a zone (a sign or letter after date and T), 24:00, second 60."""


class PostgresqlSession:
    """A session of PostgreSQL; see extract/database/session.py."""

    def __init__(self, contract: Contract, extract: DatabaseExtract, url: URL, timing: Timing) -> None:
        self._contract, self._extract = contract, extract
        self._longest_silence = contract.server.statement_timeout + timing.grace
        defaults: dict[str, Any] = {k: v for k, v in _CONNECT.items() if k not in url.query}
        self._connection = psycopg.connect(libpq_url(url), autocommit=True, **defaults)
        self._wire = self._connection.pgconn
        self._wire.nonblocking = 0
        self._poll = select.poll()
        self._poll.register(self._wire.socket, select.POLLIN)
        self._columns: dict[str, SourceColumn] = {}
        try:
            self._run(sql.SQL("begin isolation level repeatable read, read only"))
            # A server without an encoding sends its bytes unconverted only to a client without one.
            self._raw_bytes = self._wire.parameter_status(b"server_encoding") == b"SQL_ASCII"
            encoding = "SQL_ASCII" if self._raw_bytes else "UTF8"
            self._run(settings_statement(contract.server.statement_timeout, encoding))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the socket."""
        self._wire.finish()
        self._connection.close()

    def columns(self) -> dict[str, SourceColumn]:
        """Returns columns by the server's description of the query, which is not run; no right to read is needed."""
        self._wire.send_prepare(b"", self._bytes(sql.SQL("select * from {}").format(self._source())))
        try:
            self._result()
        except RefusedError as error:
            if self._extract.table and error.sqlstate in (_UNDEFINED_TABLE, _INVALID_SCHEMA):
                raise no_such_table(self._contract, self._extract.table) from None
            raise
        self._wire.send_describe_prepared(b"")
        shape = self._result()
        types = self._types({shape.ftype(i) for i in range(shape.nfields)})
        for i in range(shape.nfields):
            found = types[shape.ftype(i)]
            if found.native == "numeric":
                found = replace(found, digits=precision_and_scale(shape.fmod(i)))
            self._columns[_text(shape.fname(i))] = found
        return self._columns

    def lock_reason(self) -> str | None:
        """Returns None: PostgreSQL's readers don't block writers."""
        return None

    def read(self, selection: Selection, out: SourceStream) -> Iterator[bytes]:
        """Gives the selected rows as the server's own COPY blocks. Sets at once in which format they will be."""
        columns = self._contract.stored
        cells = None
        # Text is read in three cases: the source has no encoding, so its bytes must be cleaned; it was built with
        # floating-point times (possible before version 10); or it does not know the syntax.
        new = self._wire.server_version >= _BINARY_SYNTAX
        if new and not self._raw_bytes and self._wire.parameter_status(b"integer_datetimes") == b"on":
            cells = binary_cells(columns, self._columns, selection, out)
        if cells is not None:
            out.binary = binary(columns, out)
        return self._blocks(selection, cells or text_cells(self._columns, selection), out)

    def _blocks(
        self, selection: Selection, cells: Sequence[sql.Composable], out: SourceStream
    ) -> Iterator[bytes]:
        cleaner = Cleaner() if self._raw_bytes else None
        for block in self._copy_out(self._query(selection, cells, binary=out.binary is not None), out):
            yield cleaner.block(block) if cleaner else block
        out.warnings.extend(cleaner.warnings() if cleaner else ())
        out.unreachable = self._unreachable(selection)

    def _unreachable(self, selection: Selection) -> int | None:
        """Counts the rows that no read with `selection.first_limit` finds; None without limits, or if it is unknown."""
        limit = selection.first_limit
        if limit is None:
            return None
        conditions = [unreachable_condition(limit), *self._where()]
        query = sql.SQL("select pg_catalog.count(*) from {} where {}").format(
            self._source(), sql.SQL(" and ").join(conditions)
        )
        try:
            return int(_text(self._run(query).get_value(0, 0)))
        except RefusedError:
            return None

    # -- statements ------------------------------------------------------------------------------------------

    def _source(self) -> sql.Composable:
        extract = self._extract
        if extract.query:
            # The line break ends a comment at the end of the query.
            return sql.SQL("(\n{}\n) as sumber").format(_trusted(inner(extract.query, "postgresql")))
        return sql.Identifier(*([extract.schema] if extract.schema else []), extract.table or "")

    def _query(
        self, selection: Selection, cells: Sequence[sql.Composable], *, binary: bool
    ) -> sql.Composable:
        conditions = [limit_condition(limit) for limit in selection.limits] + self._where()
        return sql.SQL("copy (select {} from {}{}) to stdout{}").format(
            sql.SQL(", ").join(cells),
            self._source(),
            sql.SQL(" where ") + sql.SQL(" and ").join(conditions) if conditions else sql.SQL(""),
            sql.SQL(" (format binary)") if binary else sql.SQL(""),
        )

    def _where(self) -> list[sql.Composable]:
        where = self._extract.where
        return [sql.SQL("(\n{}\n)").format(_trusted(inner(where, "postgresql")))] if where else []

    def _types(self, oids: set[int]) -> dict[int, SourceColumn]:
        """The columns that have these types, by the type's oid."""
        listed = sql.SQL(", ").join(map(sql.Literal, [0, *sorted(oids)]))
        query = sql.SQL(
            "select t.oid, t.typname, t.typcategory, (select p.proname from pg_catalog.pg_proc p"
            " join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname = 'pg_catalog'"
            " where p.oid = t.typoutput) from pg_catalog.pg_type t where t.oid in ({})"
        )
        found = self._run(query.format(listed))
        types: dict[int, SourceColumn] = {}
        for row in range(found.ntuples):
            oid, name, category, output = (_text(found.get_value(row, column)) for column in range(4))
            family = _FAMILIES.get(name, _CATEGORIES.get(category, "other"))
            types[int(oid)] = SourceColumn(
                family, name, warehouse=_WAREHOUSE.get(name, frozenset()), output=output or None
            )
        return types

    # -- libpq's asynchronous calls: those of psycopg would wait for ever for a silent server -----------------------

    def _bytes(self, statement: sql.Composable) -> bytes:
        return statement.as_bytes(self._connection)

    def _run(self, statement: sql.Composable) -> PGresult:
        self._wire.send_query(self._bytes(statement))
        return self._result()

    def _result(self) -> PGresult:
        """Returns the last result of the statement that was sent, or the one that begins a COPY."""
        last: PGresult | None = None
        while True:
            while self._wire.is_busy():
                self._wait()
            result = self._wire.get_result()
            if result is None:
                break
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise _refused(result)
            last = result
            if result.status == pq.ExecStatus.COPY_OUT:
                break
        if last is None:
            raise ConnectionError("the connection was lost")
        return last

    def _wait(self) -> None:
        if not self._poll.poll(self._longest_silence * 1000):
            raise SilentError(self._longest_silence)
        self._wire.consume_input()

    def _copy_out(self, query: sql.Composable, out: SourceStream) -> Iterator[bytes]:
        """Gives blocks from libpq, and counts their rows. The end of the result is read before the last block is given.

        A message of the server has one row.
        """
        self._run(query)
        buffer = bytearray()
        take = self._wire.get_copy_data
        while True:
            size, data = take(1)
            if size > 0:
                buffer += data
                out.rows += 1
                if len(buffer) >= _BLOCK:
                    yield bytes(buffer)
                    buffer.clear()
            elif size == 0:
                self._wait()
            else:
                break
        out.rows = int(self._result().command_tuples or 0)
        if buffer:
            yield bytes(buffer)


def precision_and_scale(modifier: int) -> tuple[int, int] | None:
    """Returns precision and scale of a numeric, None if it has none (PostgreSQL's numeric.c, numeric_typmod_scale)."""
    if modifier < 4:
        return None
    return ((modifier - 4) >> 16) & 0xFFFF, (((modifier - 4) & 0x7FF) ^ 1024) - 1024


def settings_statement(statement_timeout: int, encoding: str) -> sql.Composable:
    """Returns the statement that sets those of our settings that this server knows; older servers don't know all."""
    settings = _SETTINGS | {"client_encoding": encoding, "statement_timeout": f"{statement_timeout}s"}
    values = [sql.SQL("({}, {})").format(sql.Literal(k), sql.Literal(v)) for k, v in settings.items()]
    return sql.SQL(
        "select pg_catalog.set_config(s.name, w.value, true) from pg_catalog.pg_settings s"
        " join (values {}) w(name, value) on lower(s.name) = w.name"
    ).format(sql.SQL(", ").join(values))


def limit_condition(limit: Limit) -> sql.Composable:
    """Returns the SQL of a limit. Texts are compared by code point, in the order of ISO 8601, not by a collation."""
    operator, value = _trusted(limit.operator), sql.Literal(limit.value)
    if limit.family != "text":
        return sql.SQL("{} {} {}").format(sql.Identifier(limit.name), operator, value)
    column = _characters(limit)
    if limit.zoned is None:
        return sql.SQL("{} {} {}").format(column, operator, value)
    return sql.SQL("({0} like {5} and {0} {1} case when {0} ~ {2} then {3} else {4} end)").format(
        column, operator, sql.Literal(_ZONED), sql.Literal(limit.zoned), value, sql.Literal(limit.like)
    )


def unreachable_condition(limit: Limit) -> sql.Composable:
    """Returns an SQL condition: whether no limit on this column finds the row.

    That is a NULL, a date before EARLIEST, or a text that is not a time.
    """
    name = sql.Identifier(limit.name)
    if limit.zoned is not None:
        return sql.SQL("({} is null or {} not like {})").format(
            name, _characters(limit), sql.Literal(limit.like)
        )
    if limit.family in ("date", "timestamp"):
        return sql.SQL("({0} is null or {0} < {1})").format(name, sql.Literal(EARLIEST))
    return sql.SQL("{} is null").format(name)


def _characters(limit: Limit) -> sql.Composable:
    return sql.SQL('{}::text collate "C"').format(sql.Identifier(limit.name))


def _trusted(text: str) -> sql.SQL:
    """Makes SQL of a text from the contract or this module, which is trusted."""
    return sql.SQL(text)  # type: ignore[arg-type]


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8")


def _refused(result: PGresult) -> RefusedError:
    """Returns the error of a failed result. Its message may be shown only if it has a position in our statement."""
    message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message or b""
    state = result.error_field(pq.DiagnosticField.SQLSTATE)
    code = state.decode("ascii") if state else None
    has_position = result.error_field(pq.DiagnosticField.STATEMENT_POSITION) is not None
    text = message.decode("utf-8", "replace").strip()
    if sqlstates.is_about_statement(code, has_position=has_position):
        return RefusedError(sqlstates.meaning_with_names(code, text), code, ours=True)
    return RefusedError(text, code)
