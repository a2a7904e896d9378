"""A session of the warehouse. Not here: what it holds (load/prepare.py)."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import Connection
from sqlalchemy.engine import make_url

from pipelines.clock import TIMEZONE
from pipelines.errors import LoadError
from pipelines.redaction.database_urls import libpq_url


def connect(url: str) -> Connection[Any]:
    """A session of the warehouse, autocommit: dates year first, Kalimantan's time. Raises LoadError."""
    try:
        connection: Connection[Any] = psycopg.connect(
            libpq_url(url), autocommit=True, application_name="gudang"
        )
    except psycopg.Error as error:
        place = make_url(url).render_as_string(hide_password=True)
        raise LoadError(
            "warehouse", f"cannot connect to {place}: {first_line(error)}", hint="is it running?"
        ) from None
    connection.execute("select set_config('timezone', %s, false)", [TIMEZONE])
    connection.execute("set datestyle to 'ISO, YMD'")
    connection.execute("set client_min_messages to warning")
    # Of a killed client a long statement would else hold the dataset's lock until it ends by itself.
    connection.execute("set client_connection_check_interval to '1s'")
    return connection


def first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
