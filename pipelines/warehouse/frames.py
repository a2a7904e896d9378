"""Reads the rows of a query as a pandas DataFrame whose column types match PostgreSQL's.

What belongs here: the query and the types. Not here: the connection (connection.py), the resource that calls this
(resources/warehouse.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from pipelines.clock import TIMEZONE

if TYPE_CHECKING:
    import pandas as pd

_DTYPES: Mapping[str, str] = {
    "bool": "boolean",
    "int2": "Int16",
    "int4": "Int32",
    "int8": "Int64",
    "float4": "Float32",
    "float8": "Float64",
    "numeric": "Float64",
    "text": "string",
    "varchar": "string",
    "bpchar": "string",
    "date": "datetime64[s]",
    "timestamp": "datetime64[us]",
    "timestamptz": f"datetime64[us, {TIMEZONE}]",
}
"""Types with a missing value, so that a NULL does not turn whole numbers into decimals. Columns of other types stay as
psycopg gives them."""


def read_frame(
    connection: Connection[Any], query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """The rows of `query`, read in one read-only transaction.

    connection: in autocommit. parameters: for %s or %(name)s in the query. Raises psycopg.Error for a query that
    PostgreSQL refuses: one that would write, or that is more than one statement.
    """
    import pandas as pd

    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("set transaction read only")
        # Several statements could end this transaction and write in their own; a prepared statement is only one.
        cursor.execute(query.encode(), parameters, prepare=True)
        columns = cursor.description or ()
        rows = cursor.fetchall()
    frame = pd.DataFrame(rows, columns=[column.name for column in columns], dtype=object)
    for place, column in enumerate(columns):
        if dtype := _DTYPES.get(column.type_display.split("(")[0]):
            frame.isetitem(place, frame.iloc[:, place].astype(dtype))
    return frame
