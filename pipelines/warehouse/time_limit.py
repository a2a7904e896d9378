"""Limits how long one statement of a load may run: a regular expression may take years for a single cell.

What belongs here: the limit of a session's statements, and the error when it is exceeded. Not here: waiting for locks
(locks.py), how long a source may take (extract/).
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import Connection, errors, sql
from sqlalchemy.engine import make_url

from pipelines.contracts.model import Contract
from pipelines.errors import LoadError

PROPERTY = "check_timeout"


@contextmanager
def limit_statements(connection: Connection[Any], contract: Contract, what: str) -> Generator[None]:
    """Ends statements that run longer than the contract's check_timeout. Call it outside of a transaction.

    what: what the statements do, in Indonesian, for the message. Raises LoadError when the time is over.
    """
    seconds = contract.check_timeout
    connection.execute(sql.SQL("set statement_timeout = {}").format(sql.Literal(seconds * 1000)))
    begun = time.monotonic()
    try:
        yield
    except errors.QueryCanceled as error:
        if time.monotonic() - begun < seconds:
            raise  # somebody cancelled it
        raise LoadError(
            contract.key,
            f"{what} tidak selesai dalam {seconds} detik{_suspects(contract)}; yang sudah terbit tidak berubah",
            hint=f"sederhanakan pattern kolom itu di kontrak, atau perpanjang {PROPERTY}",
            code="GDK-M004",
        ) from error
    finally:
        # A lost session needs no reset, and the error that ended it must be the one that is raised.
        with suppress(psycopg.Error):
            connection.execute("reset statement_timeout")


def url_with_limit(url: str, contract: Contract) -> str:
    """The warehouse's URL (SQLAlchemy) with the limit of check_timeout for each statement of its sessions."""
    parsed = make_url(url)
    before = parsed.query.get("options", "")
    given = before if isinstance(before, str) else " ".join(before)
    options = f"{given} -c statement_timeout={contract.check_timeout * 1000}".strip()
    return parsed.update_query_dict({"options": options}).render_as_string(hide_password=False)


def _suspects(contract: Contract) -> str:
    names = [c.name for c in contract.stored if c.pattern]
    return f" (kolom dengan pattern: {', '.join(names)})" if names else ""
