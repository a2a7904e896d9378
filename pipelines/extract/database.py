"""An OPD's database as a stream of COPY text, by SQLAlchemy URL.

PostgreSQL gives COPY text itself; MariaDB/MySQL builds the lines in its SELECT, so that Python handles one value per
row; any other dialect goes row by row. Courtesy to the source: a read-only session, one snapshot, a statement
time-out, a server-side cursor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from psycopg import pq, sql
from psycopg.pq.abc import PGconn, PGresult
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from pipelines.contracts import Column, Contract, DatabaseExtract
from pipelines.errors import ShapeError, SourceError
from pipelines.extract.stream import SourceStream, Wanted, encode_rows
from pipelines.settings import resolve

_BLOCK = 1 << 18
_ROWS = 10_000


def open_database(contract: Contract, wanted: Wanted, env: Mapping[str, str]) -> SourceStream:
    """Opens the contract's table. Raises ContractError, SourceError or ShapeError before the first row."""
    extract = contract.extract
    assert isinstance(extract, DatabaseExtract)
    url = make_url(resolve(contract.key, contract.server.location, env))
    engine = sa.create_engine(url, poolclass=sa.NullPool, pool_reset_on_return=None)
    try:
        kinds = _columns(engine, contract, extract)
    except SQLAlchemyError as error:
        raise _source_error(contract, error) from None
    readers = {"postgresql": _postgresql, "mysql": _mysql, "mariadb": _mysql}
    stream = SourceStream(columns=tuple(c.name for c in contract.stored), blocks=iter(()), name=extract.table)
    reader = readers.get(url.get_backend_name(), _general)
    stream.blocks = _guarded(contract, reader(engine, contract, extract, wanted, kinds, stream))
    return stream


def _guarded(contract: Contract, blocks: Iterator[bytes]) -> Iterator[bytes]:
    import pymysql
    from psycopg import Error

    try:
        yield from blocks
    except (SQLAlchemyError, Error, pymysql.MySQLError) as error:
        raise _source_error(contract, error) from None


def _source_error(contract: Contract, error: Exception) -> SourceError:
    """The driver's first line, which names the object or host and holds no cell value."""
    origin = getattr(error, "orig", None) or error
    words = str(origin.args[-1] if origin.args else origin).strip().splitlines()
    return SourceError(
        contract.key,
        f"database {contract.server.name}: {words[0] if words else type(origin).__name__}",
        hint=f"check {contract.server.location} and that the server answers; the load can be run again",
        transient=True,
    )


def _columns(engine: Engine, contract: Contract, extract: DatabaseExtract) -> dict[str, Any]:
    """The source's columns and types. Raises ShapeError when one that the contract promises is not there."""
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        if not (inspector.has_table(extract.table, extract.schema) or _is_view(inspector, extract)):
            message = f"database {contract.server.name} has no table {extract.table}"
            raise ShapeError(contract.key, message, hint="ask the OPD, or mend extract.table in the contract")
        found = {c["name"]: c["type"] for c in inspector.get_columns(extract.table, extract.schema)}
    missing = [c.source_name for c in contract.stored if c.source_name not in found]
    if missing:
        unknown = sorted(set(found) - {c.source_name for c in contract.columns})
        message = f"table {extract.table} has no column {', '.join(missing)}"
        if unknown:
            message += f"; it has {', '.join(unknown)}, which the contract does not know"
        raise ShapeError(contract.key, message, hint="renamed? then mend physicalName in the contract")
    return found


def _is_view(inspector: sa.Inspector, extract: DatabaseExtract) -> bool:
    return extract.table in inspector.get_view_names(extract.schema)


# -- PostgreSQL ----------------------------------------------------------------------------------------------


def _postgresql(
    engine: Engine,
    contract: Contract,
    extract: DatabaseExtract,
    wanted: Wanted,
    _: Mapping[str, Any],
    out: SourceStream,
) -> Iterator[bytes]:
    table = sql.Identifier(*([extract.schema] if extract.schema else []), extract.table)
    conditions: list[sql.Composable] = []
    if extract.where:
        conditions.append(sql.SQL("({})").format(sql.SQL(extract.where)))  # type: ignore[arg-type]
    for column, operator, value in _limits(contract, wanted):
        conditions.append(
            sql.SQL("{} {} {}").format(
                sql.Identifier(column.source_name),
                sql.SQL(operator),  # type: ignore[arg-type]
                sql.Literal(str(value)),
            )
        )
    query = sql.SQL("copy (select {} from {}{}) to stdout").format(
        sql.SQL(", ").join(sql.Identifier(c.source_name) for c in contract.stored),
        table,
        sql.SQL(" where ") + sql.SQL(" and ").join(conditions) if conditions else sql.SQL(""),
    )
    with closing(engine.raw_connection()) as raw:
        connection: Any = raw.driver_connection
        connection.execute(
            "set session characteristics as transaction isolation level repeatable read, read only"
        )
        connection.execute("set datestyle to 'ISO, YMD'")
        connection.execute(f"set statement_timeout to '{contract.server.statement_timeout}s'")
        connection.commit()
        statement = query.as_bytes(connection)
        yield from _copy_out(connection.pgconn, statement, out)


def _copy_out(connection: PGconn, statement: bytes, out: SourceStream) -> Iterator[bytes]:
    """Blocks of COPY text straight from libpq; the source's last word is read before the stream ends."""
    result = connection.exec_(statement)
    if result.status != pq.ExecStatus.COPY_OUT:
        raise RefusedError(result)
    buffer = bytearray()
    while True:
        size, data = connection.get_copy_data(0)
        if size <= 0:
            break
        buffer += data
        if len(buffer) >= _BLOCK:
            yield bytes(buffer)
            buffer.clear()
    if size == -2:
        raise OperationalError(None, None, ConnectionError(connection.get_error_message()))
    result = connection.get_result()
    if result is None or result.status != pq.ExecStatus.COMMAND_OK:
        raise RefusedError(result)
    out.rows = int(result.command_tuples or 0)
    while connection.get_result() is not None:
        pass
    if buffer:
        yield bytes(buffer)


class RefusedError(SQLAlchemyError):
    """A refusal by the source's PostgreSQL, in its primary message (which holds no cell value)."""

    def __init__(self, result: PGresult | None) -> None:
        message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) if result else None
        super().__init__((message or b"the connection was lost").decode("utf-8", "replace"))


# -- MariaDB, MySQL ------------------------------------------------------------------------------------------


def _mysql(
    engine: Engine,
    contract: Contract,
    extract: DatabaseExtract,
    wanted: Wanted,
    kinds: Mapping[str, Any],
    out: SourceStream,
) -> Iterator[bytes]:
    from pymysql.cursors import SSCursor

    def quoted(name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    cells = [_mysql_cell(quoted(c.source_name), kinds[c.source_name]) for c in contract.stored]
    table = (quoted(extract.schema) + "." if extract.schema else "") + quoted(extract.table)
    limits = _limits(contract, wanted)
    conditions = [f"({extract.where})".replace("%", "%%")] if extract.where else []
    conditions += [f"{quoted(c.source_name)} {operator} %s" for c, operator, _ in limits]
    query = "select cast(concat_ws(_utf8mb4 0x09, " + ", ".join(cells) + ") as binary) from " + table  # noqa: S608  # names quoted
    if conditions:
        query += " where " + " and ".join(conditions)
    with closing(engine.raw_connection()) as raw:
        connection: Any = raw.driver_connection
        with connection.cursor() as session:
            session.execute("set session time_zone = '+08:00'")
            session.execute("set session transaction isolation level repeatable read")
            if "MariaDB" in connection.get_server_info():
                session.execute(f"set session max_statement_time = {contract.server.statement_timeout}")
            session.execute("start transaction with consistent snapshot, read only")
        with connection.cursor(SSCursor) as cursor:
            cursor.execute(query, [str(value).replace("T", " ") for _, _, value in limits])
            while rows := cursor.fetchmany(_ROWS):
                out.rows += len(rows)
                yield b"\n".join([row[0] for row in rows]) + b"\n"


def _mysql_cell(column: str, kind: Any) -> str:
    """The cell as one COPY field. Text is escaped by the server; NULL is backslash-N; a NUL character is U+FFFD."""
    if isinstance(
        kind, sa.types.Numeric | sa.types.Integer | sa.types.Date | sa.types.DateTime | sa.types.Time
    ):
        text = f"cast({column} as char character set utf8mb4)"
    else:
        text = f"convert({column} using utf8mb4)"
        for found, written in (
            ("0x5C", "0x5C5C"),
            ("0x09", "0x5C74"),
            ("0x0A", "0x5C6E"),
            ("0x0D", "0x5C72"),
            ("0x00", "0xEFBFBD"),
        ):
            text = f"replace({text}, _utf8mb4 {found}, _utf8mb4 {written})"
    return f"ifnull({text}, _utf8mb4 0x5C4E)"


# -- any other -----------------------------------------------------------------------------------------------


def _general(
    engine: Engine,
    contract: Contract,
    extract: DatabaseExtract,
    wanted: Wanted,
    _: Mapping[str, Any],
    out: SourceStream,
) -> Iterator[bytes]:
    columns = [sa.column(c.source_name) for c in contract.stored]
    query = sa.select(*columns).select_from(sa.table(extract.table, schema=extract.schema))
    if extract.where:
        query = query.where(sa.text(extract.where))
    for column, operator, value in _limits(contract, wanted):
        name = sa.column(column.source_name)
        query = query.where(name >= str(value) if operator == ">=" else name < str(value))
    with engine.connect().execution_options(yield_per=_ROWS) as connection:
        rows = connection.execute(query)
        yield from encode_rows(([None if v is None else str(v) for v in row] for row in rows), out)


def _limits(contract: Contract, wanted: Wanted) -> list[tuple[Column, str, Any]]:
    limits: list[tuple[Column, str, Any]] = []
    if wanted.since and contract.cursor:
        limits.append((contract.column(contract.cursor), ">=", wanted.since))
    if wanted.start and wanted.end and contract.partition:
        column = contract.column(contract.partition.column)
        limits += [(column, ">=", wanted.start), (column, "<", wanted.end + timedelta(days=1))]
    return limits
