"""Lists the columns of a dataset's table in schema raw: the contract's own, and those that every load adds."""

from __future__ import annotations

from pipelines.contracts.model import Contract

POSITION = "_source_position"
"""The landing column with the place of a row in its source: "baris 12", "halaman 3 rekaman 7"."""
EXTRA = "_extra"
"""The landing column of a contract that evolves: the columns that it does not know, as one JSON object of texts."""
ORIGIN: tuple[tuple[str, str], ...] = (
    ("_batch_id", "bigint"),
    ("_loaded_at", "timestamptz"),
    (POSITION, "text"),
)
HISTORY: tuple[tuple[str, str], ...] = (
    ("valid_from", "timestamptz"),
    ("valid_to", "timestamptz"),
    ("is_current", "boolean"),
)
DELETED: tuple[tuple[str, str], ...] = (("deleted_at", "timestamptz"),)


def raw_columns(contract: Contract) -> list[tuple[str, str]]:
    """Returns name and type of every column of raw, in order."""
    columns = [(c.name, c.stored_type) for c in contract.stored]
    if contract.evolves:
        columns.append((EXTRA, "jsonb"))
    if contract.keeps_history:
        columns += HISTORY
    elif contract.reconcile:
        columns += DELETED
    return columns + list(ORIGIN)


def raw_key(contract: Contract) -> tuple[str, ...]:
    """Returns the columns of raw's primary key; a history has one row per version of the contract's key."""
    return (*contract.primary_key, "valid_from") if contract.keeps_history else contract.primary_key
