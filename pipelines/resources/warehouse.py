"""The warehouse as a Dagster resource. Not here: SQL, making its tables (runs/readiness.py)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from psycopg import Connection

from pipelines.load import prepare
from pipelines.runs.readiness import make_ready
from pipelines.settings import load_settings
from pipelines.warehouse.connection import connect
from pipelines.warehouse.frames import read_frame

if TYPE_CHECKING:
    import pandas as pd


class Warehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The province's data warehouse. `url` is SQLAlchemy's, driver psycopg.

    `project` is the folder whose contracts a warehouse is made ready for if it is empty or of an earlier version;
    without it, a warehouse is used as it is.
    """

    url: str
    project: str = ""

    @contextmanager
    def connect(self) -> Iterator[Connection[Any]]:
        """Opens a session in autocommit, and closes it at the end of the context."""
        connection = connect(self.url)
        try:
            if self.project and not prepare.is_prepared(connection):
                dg.get_dagster_logger().info(
                    "gudang data masih kosong atau dari versi lain: tabel dan data acuannya disiapkan dahulu"
                )
                make_ready(replace(load_settings(), project=Path(self.project), warehouse_url=self.url))
            yield connection
        finally:
            connection.close()

    def frame(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> pd.DataFrame:
        """The rows of `query`, one statement, as a pandas DataFrame, for notebooks; see docs/notebooks.md.

        It only reads. Raises LoadError where the warehouse can't be reached, psycopg.Error for a query that fails.
        """
        with connect(self.url) as connection:
            connection.execute("set default_transaction_read_only = on")
            return read_frame(connection, query, parameters)
