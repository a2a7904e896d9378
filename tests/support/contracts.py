"""Small contracts: written as files, and read by `read_contract`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pipelines.contracts.files import contract_paths, read_contract
from pipelines.contracts.model import Contract


def column(name: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    """A property of a contract. Keys of our own vocabulary go to its customProperties."""
    logical = {
        "text": "string",
        "date": "date",
        "boolean": "boolean",
        "timestamp": "timestamp",
        "timestamptz": "timestamp",
        "time": "time",
    }
    base = kind.split("(")[0]
    default = "number" if base in ("numeric", "double precision") else "integer"
    own = (
        "missing_values",
        "parse",
        "konfirmasi",
        "satuan",
        "ukuran",
        "pseudonymise",
        "retain_original",
        "drop",
    )
    custom = [{"property": k, "value": more.pop(k)} for k in own if k in more]
    prop: dict[str, Any] = {
        "name": name,
        "physicalType": kind,
        "logicalType": logical.get(base, default),
        "classification": "terbuka",
        "businessName": name,
        "description": f"Kolom {name}.",
        **more,
    }
    if custom:
        prop["customProperties"] = custom
    return prop


def document(
    key: str, columns: list[dict[str, Any]], server: dict[str, Any], **custom: Any
) -> dict[str, Any]:
    opd, dataset = key.split("/")
    return {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": key,
        "version": "1.0.0",
        "status": "active",
        "name": f"Data {dataset}",
        "domain": "uji",
        "team": {"name": f"Dinas {opd}"},
        "servers": [server],
        "schema": [{"name": dataset, "logicalType": "object", "properties": columns}],
        "customProperties": [{"property": k, "value": v} for k, v in custom.items()],
    }


def database(env: str, **custom: Any) -> dict[str, Any]:
    server: dict[str, Any] = {"server": "uji", "type": "custom", "location": f"${{{env}}}"}
    if custom:
        server["customProperties"] = [{"property": k, "value": v} for k, v in custom.items()]
    return server


def upload(key: str, kind: str) -> dict[str, Any]:
    return {"server": "unggahan", "type": "local", "path": key, "format": kind}


def api(env: str) -> dict[str, Any]:
    return {"server": "uji", "type": "api", "location": f"${{{env}}}"}


def write(folder: Path, doc: dict[str, Any]) -> Path:
    path = folder / f"{doc['id']}.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(doc, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def make(folder: Path, doc: dict[str, Any]) -> Contract:
    """The contract of a document. Fails with the faults if there are any."""
    contract, faults = read_contract(write(folder, doc))
    assert contract is not None, "\n".join(map(str, faults))
    return contract


def load_contracts(folder: Path) -> tuple[Contract, ...]:
    """All contracts below `folder`, ordered by key. Fails with the faults if there are any."""
    read = [read_contract(path) for path in contract_paths(folder)]
    assert not any(faults for _, faults in read), "\n".join(str(f) for _, faults in read for f in faults)
    return tuple(contract for contract, _ in read if contract)
