"""Reads an OPD's database, given by its SQLAlchemy URL, as a stream of COPY blocks.

What belongs here: which dialect reads, and the rules for every dialect: a read-only session, one snapshot, no waiting
without end, a session that is always closed. Not here: a dialect's own SQL (postgresql.py, mysql.py, dialect.py), what
a source's columns must be (shape.py), after which errors a retry may succeed (faults.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from pipelines.contracts.model import Contract, DatabaseExtract
from pipelines.contracts.raw_table import EXTRA
from pipelines.contracts.repairs import needs_no_text
from pipelines.errors import ContractError
from pipelines.extract.database.faults import FAULTS, source_error
from pipelines.extract.database.session import Session, Timing
from pipelines.extract.database.shape import choose_columns
from pipelines.extract.stream import SourceStream, Wanted
from pipelines.redaction.database_urls import PASSWORD_HINT, has_unescaped
from pipelines.settings import resolve


def connect(contract: Contract, extract: DatabaseExtract, url: URL, timing: Timing) -> Session:
    """Opens a session. PostgreSQL, MariaDB and MySQL have a fast reader, whichever driver the URL names.

    Raises ContractError where the driver is missing, or an error of FAULTS.
    """
    try:
        match url.get_backend_name():
            case "postgresql" | "postgres":
                from pipelines.extract.database.postgresql import PostgresqlSession

                return PostgresqlSession(contract, extract, url, timing)
            case "mysql" | "mariadb":
                from pipelines.extract.database.mysql import MysqlSession

                return MysqlSession(contract, extract, url, timing)
            case _:
                from pipelines.extract.database.dialect import DialectSession

                return DialectSession(contract, extract, url, timing)
    except NoSuchModuleError:
        message = f"dialek {url.drivername} tidak terpasang"
    except ModuleNotFoundError as error:
        message = f"driver {error.name} untuk {url.drivername} tidak terpasang"
    except TypeError:
        message = f"URL berisi opsi yang tidak dikenal driver {url.drivername}"
    hint = f"perbaiki {contract.server.location}, atau pasang driver yang diperlukan"
    raise ContractError(contract.key, message, hint=hint, code="GDK-K024")


def open_database(
    contract: Contract,
    wanted: Wanted,
    env: Mapping[str, str],
    *,
    timing: Timing | None = None,
    connect: Callable[[Contract, DatabaseExtract, URL, Timing], Session] = connect,
    surely: bool = False,
) -> SourceStream:
    """Opens the contract's table or query, for the columns that `contract` names.

    surely: dates that may be none, such as 0000-00-00 of MariaDB, are read as texts.

    Raises ContractError, SourceError or ShapeError before the first row; `blocks` raises SourceError.
    """
    extract = contract.extract
    if not isinstance(extract, DatabaseExtract):
        hint = "lihat docs/contracts/databases.md"
        raise ContractError(contract.key, "dataset ini bukan dari basis data", hint=hint, code="GDK-K022")
    url = _url(contract, env)
    session: Session | None = None
    stream = SourceStream(tuple(c.name for c in contract.stored), iter(()), extract.table or "query")
    if contract.evolves:
        stream.columns += (EXTRA,)
    try:
        session = connect(contract, extract, url, timing or Timing())
        found = session.columns()
        lock_reason = session.lock_reason() if contract.server.rows_per_second else None
        selection = choose_columns(contract, wanted, found, stream.warnings)
    except BaseException as error:
        if session:
            session.close()
        if isinstance(error, FAULTS):
            raise source_error(contract, error) from None
        raise
    if lock_reason:
        stream.ignore_rate_limit = True
        stream.warnings.append(
            f"{lock_reason}, yang terkunci selama dibaca: dibaca secepatnya, tanpa rows_per_second"
        )
    stream.exact = frozenset(
        c.name for c in contract.stored if c.source_name not in found or found[c.source_name].fits(c.type)
    )
    stream.numbers = frozenset(
        c.name for c in contract.stored if c.source_name in found and found[c.source_name].is_number
    )
    stream.usual = frozenset(
        c.name
        for c in contract.stored
        if needs_no_text(c) and c.source_name in found and c.type in found[c.source_name].usually
    )
    if stream.usual and surely:
        stream.as_texts()
    elif stream.usual:
        again = partial(open_database, contract, wanted, env, timing=timing, connect=connect, surely=True)
        stream.fallback = again
    stream.shape = {name: column.family for name, column in found.items()}
    stream.wider = selection.wider
    stream.blocks = _closing(contract, session, session.read(selection, stream))
    next(stream.blocks)
    return stream


def _closing(contract: Contract, session: Session, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Gives the blocks, then closes the session. The first block is empty, and must be taken at once.

    Python runs the `finally` of a closed generator only if the generator has begun.
    """
    try:
        yield b""
        yield from blocks
    except FAULTS as error:
        raise source_error(contract, error) from None
    finally:
        session.close()


def _url(contract: Contract, env: Mapping[str, str]) -> URL:
    location = contract.server.location
    url = resolve(contract.key, location, env)
    if has_unescaped(url):
        message = f"pengguna atau kata sandi di {location} berisi @ atau spasi yang tidak dikodekan"
        raise ContractError(contract.key, message, hint=PASSWORD_HINT, code="GDK-K019")
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        pass  # raised outside the handler: the error's text contains the password
    hint = f"misalnya postgresql+psycopg://user:password@host:5432/database; {PASSWORD_HINT}"
    raise ContractError(contract.key, f"{location} bukan URL basis data", hint=hint, code="GDK-K019")
