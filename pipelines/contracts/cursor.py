"""Which columns a source can be asked by: a cursor and the column of a partition are compared at the source.

What belongs here: repairs that would make the value of the warehouse another than the one that the source compares.
Not here: whether a cursor, lag or partition fits the contract (model.py), what type the source's column really has
(extract/database/shape.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.contracts.api import ApiExtract
from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract

KEEP_THE_ORDER = frozenset({"zona_wita", "tanggal_nol", "tanggal_saja", "mikrodetik", "bilangan_bulat"})
"""Repairs that leave the order of ISO 8601 texts and of numbers as it is, or make a value an earlier one."""


def faults(contract: Contract) -> Iterator[tuple[Column, str, str]]:
    """Columns that the source compares otherwise than the warehouse would: the column, what is wrong, the fix."""
    for column, role in _asked_by(contract):
        changing = [name for name in column.parse if name not in KEEP_THE_ORDER]
        if not changing:
            continue
        if contract.server.kind == "api":
            message = (
                f"a lag is taken from the text of cursor {column.name}, which parse {changing[0]} has to read"
            )
            yield column, message, "drop the lag, or another cursor"
        else:
            message = f"the source compares its own text of {role} {column.name}, not what {changing[0]} makes of it"
            yield (
                column,
                message,
                "extract.query with a column of the source's own type for it (a cast), or another",
            )


def _asked_by(contract: Contract) -> Iterator[tuple[Column, str]]:
    names = {c.name for c in contract.stored}
    is_database = contract.server.kind == "database"
    asks = isinstance(contract.extract, ApiExtract) and contract.extract.incremental_param and contract.lag
    if contract.cursor in names and (is_database or asks):
        yield contract.column(contract.cursor), "cursor"
    if contract.partition and is_database and contract.partition.column in names:
        yield contract.column(contract.partition.column), "partition column"
