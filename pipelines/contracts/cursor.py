"""A cursor and the column of a partition are compared at the source, so repairs may not change their order.

What belongs here: repairs that would make the warehouse's value differ from the one that the source compares.
Not here: whether a cursor, lag or partition fits the contract (model.py), what type the source's column really has
(extract/database/shape.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.contracts.api import ApiExtract
from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract

_KEEPS_ORDER = frozenset({"zona_wita", "tanggal_nol", "tanggal_saja", "mikrodetik", "bilangan_bulat"})
"""Repairs that keep the order of ISO 8601 texts and of numbers, or only make a value an earlier one."""


def faults(contract: Contract) -> Iterator[tuple[Column, str, str]]:
    """Columns that the source compares otherwise than the warehouse would: the column, message, hint."""
    for column, role in _asked_by(contract):
        changing = [name for name in column.parse if name not in _KEEPS_ORDER]
        if not changing:
            continue
        if contract.server.kind == "api":
            message = f"lag dikurangkan dari teks asli cursor {column.name}, bukan hasil parse {changing[0]}"
            yield column, message, "hapus lag, atau pakai cursor lain"
        else:
            message = f"sumber membandingkan teks asli {role} {column.name}, bukan hasil parse {changing[0]}"
            yield column, message, "pakai extract.query dengan cast ke tipe sumber, atau kolom lain"


def _asked_by(contract: Contract) -> Iterator[tuple[Column, str]]:
    """The columns that the source compares, each with what the contract uses it for."""
    names = {c.name for c in contract.stored}
    is_database = contract.server.kind == "database"
    asks = isinstance(contract.extract, ApiExtract) and contract.extract.incremental_param and contract.lag
    if contract.cursor in names and (is_database or asks):
        yield contract.column(contract.cursor), "cursor"
    if contract.partition and is_database and contract.partition.column in names:
        yield contract.column(contract.partition.column), "kolom partition"
