"""Opens sessions of the warehouse. Not here: what a warehouse needs before its first load (load/prepare.py)."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import Connection
from sqlalchemy.engine import make_url

from pipelines.clock import TIMEZONE
from pipelines.errors import LoadError
from pipelines.redaction.database_urls import libpq_url


def connect(url: str) -> Connection[Any]:
    """Opens a session of the warehouse: autocommit, dates with the year first, WITA. Raises LoadError.

    All sessions write a value as the same text, whatever the server's settings are. The keys in quarantine need that.
    """
    try:
        connection: Connection[Any] = psycopg.connect(
            libpq_url(url), autocommit=True, application_name="gudang"
        )
    except psycopg.Error as error:
        place = make_url(url).render_as_string(hide_password=True)
        raise LoadError(
            "gudang data",
            f"tidak dapat terhubung ke {place}: {first_line(error)}",
            hint="pastikan servernya berjalan",
            code="GDK-M002",
        ) from None
    connection.execute("select set_config('timezone', %s, false)", [TIMEZONE])
    connection.execute("set datestyle to 'ISO, YMD'")
    connection.execute("set extra_float_digits to 1")
    connection.execute("set client_min_messages to warning")
    # Without this, a long statement of a killed client would hold the dataset's lock until the statement ends.
    connection.execute("set client_connection_check_interval to '1s'")
    return connection


def first_line(error: BaseException) -> str:
    """The first line of the error's text, or its type if it has no text."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
