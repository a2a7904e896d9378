"""dbt_like_sql/models/sources.yml, rendered from the contracts.

What belongs here: the raw tables as dbt sources. Not here: reading contracts, writing the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Protocol

import yaml

_HEADER = "# Rendered from contracts/ by `gudang`: change the contract, not this file.\n"
_OWN_COLUMNS = (
    ("_batch_id", "bigint", "Nomor pemuatan (ops.load_batch) yang membawa baris ini."),
    ("_loaded_at", "timestamptz", "Waktu baris ini dimuat ke gudang."),
    ("_source_position", "text", "Letak baris ini di sumbernya: baris berkas, halaman, atau kunci."),
)


class _Column(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def dropped(self) -> bool: ...


class _Contract(Protocol):
    @property
    def opd(self) -> str: ...
    @property
    def dataset(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def columns(self) -> Sequence[_Column]: ...


def render_sources(contracts: Iterable[_Contract]) -> str:
    """The text of sources.yml: one source per OPD, one table `raw.<opd>__<dataset>` per contract.

    Dropped columns are left out: they are never stored.
    """
    ordered = sorted(contracts, key=lambda contract: (contract.opd, contract.dataset))
    sources = [
        {"name": opd, "schema": "raw", "tables": [_table(contract) for contract in of_opd]}
        for opd, of_opd in groupby(ordered, key=lambda contract: contract.opd)
    ]
    body = yaml.safe_dump({"version": 2, "sources": sources}, sort_keys=False, allow_unicode=True, width=110)
    return _HEADER + body


def _table(contract: _Contract) -> dict[str, Any]:
    columns = [
        {"name": c.name, "description": " ".join(c.description.split())}
        for c in contract.columns
        if not c.dropped
    ]
    columns += [{"name": name, "description": text, "data_type": type_} for name, type_, text in _OWN_COLUMNS]
    return {
        "name": contract.dataset,
        "identifier": f"{contract.opd}__{contract.dataset}",
        "description": contract.title,
        "columns": columns,
    }
