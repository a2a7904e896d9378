"""Renders dbt_like_sql/models/sources.yml, which declares the raw tables as dbt sources, from the contracts.

It is one file, however long: nobody edits it, and `gudang validate` compares all of its text with the contracts. Not
here: reading contracts, writing the file (cli/data/validate.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import yaml

from pipelines.contracts.model import Contract
from pipelines.contracts.raw_table import raw_columns

_HEADER = "# Rendered from contracts/ by `gudang`: change the contract, not this file.\n"
OWN_COLUMNS = {
    "_extra": "Kolom sumber yang belum dikenal kontrak, sebagai teks.",
    "valid_from": "Awal berlakunya versi ini.",
    "valid_to": "Akhir berlakunya versi ini; kosong selama masih berlaku.",
    "is_current": "Versi yang berlaku sekarang.",
    "deleted_at": "Waktu diketahui bahwa baris ini tidak ada lagi di sumbernya.",
    "_batch_id": "Nomor pemuatan (ops.load_batch) yang membawa baris ini.",
    "_loaded_at": "Waktu baris ini dimuat ke gudang.",
    "_source_position": "Letak baris ini di sumbernya: baris berkas, halaman, atau kunci.",
}


def render_sources(contracts: Iterable[Contract]) -> str:
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


def _table(contract: Contract) -> dict[str, Any]:
    columns = [{"name": c.name, "description": " ".join(c.description.split())} for c in contract.stored]
    columns += [
        {"name": name, "description": OWN_COLUMNS[name], "data_type": type_}
        for name, type_ in raw_columns(contract)[len(columns) :]
    ]
    return {
        "name": contract.dataset,
        "identifier": f"{contract.opd}__{contract.dataset}",
        "description": contract.title,
        "columns": columns,
    }
