"""Great Expectations' context, and its data sources on the warehouse: each on one session of ours.

Not here: what is asked of it (run.py).
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import Connection
from sqlalchemy.pool import StaticPool

from pipelines.redaction.database_urls import libpq_url
from pipelines.warehouse.relation import Relation

GX_LOCK = Lock()
"""Held while GX is imported and while its context changes. Queries run without it, also those with which GX adds a
table to a data source: a query that waits for a table's lock must not stop the thread that holds this lock."""


@contextmanager
def open_session(warehouse: str | Connection[Any]) -> Generator[Connection[Any]]:
    """A session of the warehouse: the given one, or a new one that ends with this context. Raises psycopg.Error."""
    if not isinstance(warehouse, str):
        yield warehouse
        return
    with psycopg.connect(libpq_url(warehouse), autocommit=True) as session:
        yield session


class _SharedSession:
    """A psycopg session for GX, in which GX's transaction is a savepoint that is always rolled back."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._savepoint: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def cursor(self, *arguments: Any, **named: Any) -> Any:
        """A cursor of the session, inside the savepoint."""
        if self._savepoint is None:
            self._savepoint = self._connection.transaction(force_rollback=True)
            self._savepoint.__enter__()
        return self._connection.cursor(*arguments, **named)

    def rollback(self) -> None:
        """Ends the savepoint; the session's own transaction goes on."""
        savepoint, self._savepoint = self._savepoint, None
        if savepoint is not None:
            savepoint.__exit__(None, None, None)

    commit = rollback

    def close(self) -> None:
        """Ends the savepoint; the session stays open."""
        self.rollback()


@cache
def context() -> Any:
    """One ephemeral context per process, without telemetry."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context


def _add_data_source(name: str, session: _SharedSession) -> Any:
    engine = {"creator": lambda: session, "poolclass": StaticPool, "use_native_hstore": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GX's own data source for PostgreSQL knows no psycopg 3
        return context().data_sources.add_sql(name, connection_string="postgresql+psycopg://", kwargs=engine)


@contextmanager
def data_source(warehouse: str | Connection[Any]) -> Generator[Any]:
    """GX's data source on a session of the warehouse. It ends with this context.

    No two callers share one: threads would overwrite each other's changes of its list of tables, so that a table would
    be missing and its checks could not run.
    """
    with open_session(warehouse) as connection:
        session, name = _SharedSession(connection), f"sesi {uuid4()}"
        with GX_LOCK:
            source = _add_data_source(name, session)
        try:
            yield source
        finally:
            with GX_LOCK:
                context().data_sources.delete(name)
            if not connection.broken:
                session.close()


def batch_of(source: Any, asset: str, relation: Relation) -> Any:
    """GX's batch of all rows of a relation. asset: a name of its own in the data source."""
    table = source.add_table_asset(asset, table_name=relation.identifier, schema_name=relation.schema)
    return table.add_batch_definition_whole_table("all").get_batch()
