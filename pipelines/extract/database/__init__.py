"""An OPD's database as a stream of COPY text, by SQLAlchemy URL.

What belongs here: which dialect reads, and what every dialect must keep: a read-only session, one snapshot, no wait
without an end, a session that is closed whatever happens. Not here: a dialect's own SQL (postgresql.py, mysql.py,
dialect.py), what a source's columns must be (shape.py), which faults pass by themselves (faults.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from pipelines.contracts.model import Contract, DatabaseExtract
from pipelines.contracts.raw_table import EXTRA
from pipelines.errors import ContractError
from pipelines.extract.database.faults import FAULTS, source_error
from pipelines.extract.database.shape import Selection, SourceColumn, select
from pipelines.extract.stream import SourceStream, Wanted
from pipelines.redaction.database_urls import PASSWORD_HINT, has_unescaped
from pipelines.settings import resolve


class Session(Protocol):
    """An open connection to a source, in one read-only snapshot where the source has such a thing."""

    def columns(self) -> dict[str, SourceColumn]:
        """Every column of the contract's table or query, in order. Raises ShapeError where there is no such table."""
        ...

    def locks(self) -> str | None:
        """Where reading locks the table against writers until the last row is given: why, in words."""
        ...

    def read(self, selection: Selection, out: SourceStream) -> Iterator[bytes]:
        """Blocks of COPY text; counts `out.rows`. The source's last word is read before the last block is given."""
        ...

    def close(self) -> None: ...


def open_database(contract: Contract, wanted: Wanted, env: Mapping[str, str]) -> SourceStream:
    """Opens the contract's table or query, for the columns that `contract` names (a part of them will do).

    Raises ContractError, SourceError or ShapeError before the first row; `blocks` raises SourceError.
    """
    extract = contract.extract
    if not isinstance(extract, DatabaseExtract):
        raise ContractError(
            contract.key, "dataset ini bukan basis data", hint="lihat docs/contracts/databases.md"
        )
    url = _url(contract, env)
    session: Session | None = None
    stream = SourceStream(tuple(c.name for c in contract.stored), iter(()), extract.table or "query")
    if contract.evolves:
        stream.columns += (EXTRA,)
    try:
        session = _session(contract, extract, url)
        found = session.columns()
        locks = session.locks() if contract.server.rows_per_second else None
        selection = select(contract, wanted, found, stream.warnings)
    except BaseException as error:
        if session:
            session.close()
        if isinstance(error, FAULTS):
            raise source_error(contract, error) from None
        raise
    if locks:
        stream.ignore_rate_limit = True
        stream.warnings.append(
            f"{locks}, which reading locks: it is read as fast as it can be, without rows_per_second"
        )
    stream.exact = frozenset(
        c.name for c in contract.stored if c.source_name not in found or found[c.source_name].fits(c.type)
    )
    stream.shape = {name: column.family for name, column in found.items()}
    stream.wider = selection.wider
    stream.blocks = _guarded(contract, session, session.read(selection, stream))
    next(stream.blocks)
    return stream


def _guarded(contract: Contract, session: Session, blocks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield b""  # taken at once: only a generator that has begun closes the session when it is closed
        yield from blocks
    except FAULTS as error:
        raise source_error(contract, error) from None
    finally:
        session.close()


def _url(contract: Contract, env: Mapping[str, str]) -> URL:
    location = contract.server.location
    url = resolve(contract.key, location, env)
    if has_unescaped(url):
        message = f"the user or password in {location} holds a @ or a blank as it is"
        raise ContractError(contract.key, message, hint=PASSWORD_HINT)
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        pass  # outside the handler: the text of the URL holds the password
    hint = f"such as postgresql+psycopg://user:password@host:5432/database; {PASSWORD_HINT}"
    raise ContractError(contract.key, f"{location} is no URL of a database", hint=hint)


def _session(contract: Contract, extract: DatabaseExtract, url: URL) -> Session:
    """The fast readers have a driver of their own, whichever the URL names."""
    try:
        match url.get_backend_name():
            case "postgresql" | "postgres":
                from pipelines.extract.database.postgresql import PostgresqlSession

                return PostgresqlSession(contract, extract, url)
            case "mysql" | "mariadb":
                from pipelines.extract.database.mysql import MysqlSession

                return MysqlSession(contract, extract, url)
            case _:
                from pipelines.extract.database.dialect import DialectSession

                return DialectSession(contract, extract, url)
    except NoSuchModuleError:
        message = f"no dialect {url.drivername} is installed"
    except ModuleNotFoundError as error:
        message = f"the driver {error.name} of {url.drivername} is not installed"
    except TypeError:
        message = f"the URL has an option that the driver of {url.drivername} does not know"
    raise ContractError(
        contract.key, message, hint=f"mend {contract.server.location}, or install what it needs"
    )
