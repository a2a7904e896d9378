"""Each value of a contract in turn gets another type: the contract is read without an error, and has a fault.

Where another type is accepted, `ALSO` names it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.contracts.api import ApiExtract
from pipelines.contracts.files import read_contract
from pipelines.contracts.model import DatabaseExtract
from pipelines.contracts.upload import FileExtract
from pipelines.contracts.value_types.own import CUSTOM, EXTRACT
from pipelines.settings import PROJECT_ROOT
from tests.support.contracts import api, column, database, document, upload

ID = column("id", "bigint", primaryKey=True)
CHANGED = column("diubah", "timestamp", required=True)
KEY = "${GUDANG_SUMBER_UJI_KUNCI}"
Where = tuple[str | int, ...]


def of_columns() -> dict[str, Any]:
    """A contract that has every property of a column."""
    reference = {
        "type": "foreignKey",
        "to": "ref_wilayah.kode",
        "customProperties": [
            {"property": "where", "value": {"level": "provinsi"}},
            {"property": "normalise", "value": "kunci_nama"},
        ],
    }
    alias = [{"property": "alias", "value": ["Pria"]}]
    columns = [
        ID,
        column("nik", classification="pribadi", pseudonymise="warga", retain_original="UU 23/2006"),
        column("berat", "numeric(8,2)", parse=["satuan"], satuan="kg", ukuran="berat", missing_values=["-"]),
        column(
            "umur", "integer", logicalTypeOptions={"maximum": 120, "multipleOf": 1}, konfirmasi=["maximum"]
        ),
        column(
            "kode",
            parse="klasifikasi",
            enum=[{"value": "L", "label": "Laki-laki", "customProperties": alias}],
            synonyms=[{"synonym": "kelamin"}],
        ),
        column("wilayah", relationships=[reference], logicalTypeOptions={"minLength": 2, "pattern": "^6"}),
        column("lahir", "date", logicalTypeOptions={"minimum": "1900-01-01"}),
        column("catatan", drop=True),
    ]
    return document("dinas/uji", columns, database("UJI_URL"), extract={"table": "t"})


def of_a_database() -> dict[str, Any]:
    """A contract of a database that has every property of a server and a `merge`."""
    limits = {
        "rows_per_second": 5,
        "load_hours": "20:00-05:00",
        "statement_timeout": 60,
        "wait_limit": 60,
    }
    custom = {
        "extract": {"table": "t", "schema": "s", "where": "a > 1"},
        "write_disposition": "merge",
        "merge_strategy": "upsert",
        "cursor": "diubah",
        "lag": "P1D",
        "reconcile": "P7D",
        "schema_contract": "freeze",
        "max_quarantine_share": 0.5,
        "max_shrink_share": 0.5,
        "approval": "none",
        "check_timeout": 60,
        "publish": False,
    }
    return document("dinas/uji", [ID, CHANGED], database("UJI_URL", **limits), **custom) | {
        "description": {"purpose": "a", "usage": "b", "limitations": "c"},
        "support": [{"channel": "surel", "url": "mailto:data@dinas.example"}],
        "team": {"name": "Dinas", "members": [{"username": "a", "role": "produsen_data"}]},
        "slaProperties": [
            {"property": "frequency", "value": 1, "unit": "d", "element": "uji.diubah"},
            {"property": "latency", "value": 26, "unit": "h"},
            {"property": "retention", "value": 10, "unit": "y"},
        ],
    }


def of_a_query() -> dict[str, Any]:
    partition = {"column": "diubah", "every": "daily", "start": date(2026, 1, 1)}
    return document(
        "dinas/uji", [ID, CHANGED], database("UJI_URL"), extract={"query": "select 1"}, partition=partition
    )


def of_an_api(auth: dict[str, Any], pagination: dict[str, Any]) -> dict[str, Any]:
    extract = {
        "path": "/v1",
        "records": "/data",
        "params": {"jenis": "a"},
        "auth": auth,
        "pagination": pagination,
        "incremental_param": "sejak",
        "error": {"field": "error", "ok": [0], "message": "pesan"},
    }
    custom = {"extract": extract, "write_disposition": "append", "cursor": "diubah", "lag": "P1D"}
    return document("dinas/uji", [ID, CHANGED], api("UJI_URL"), **custom)


def of_an_upload(kind: str, **extract: Any) -> dict[str, Any]:
    return document(
        "dinas/uji",
        [ID, column("a")],
        upload("dinas/uji", kind),
        extract={"format": kind, "pattern": "*", **extract},
    )


DOCUMENTS = {
    "database": of_a_database(),
    "columns": of_columns(),
    "query": of_a_query(),
    "api, page": of_an_api(
        {"type": "basic", "username": "a", "password": KEY},
        {"type": "page", "param": "p", "size_param": "n", "size": 5, "total": "/total"},
    ),
    "api, cursor": of_an_api(
        {"type": "oauth2", "token_url": "https://a.example", "client_id": "a", "client_secret": KEY},
        {"type": "cursor", "param": "p", "next": "/next", "last_page": "empty"},
    ),
    "api, shape": document(
        "dinas/uji", [ID], api("UJI_URL"), extract={"path": "/v1", "records": "/d", "shape": "keyed"}
    ),
    "csv": of_an_upload(
        "csv", member="*.csv", header_row=2, header_rows=2, delimiter=";", quote="'", encoding="cp1252",
        comment="#", escape="\\", skipinitialspace=True, short_rows=True, totals={"a": "^Jumlah"}, fill_down=["a"],
    ),
    "xlsx": of_an_upload("xlsx", sheet="2024", hidden="skip"),
    "ods": of_an_upload("ods", sheets="20*"),
    "json": of_an_upload("json", records="/data", shape="lists"),
}  # fmt: skip
"""Contracts that together have every property and key of ours."""
DAY = date(2026, 1, 2)
WRONG = ("teks", "", 7, 1.5, True, None, ["a"], [7], {"a": "b"}, {7: "b"}, DAY, b"a")
"""Values of every type that YAML can give, for what is below our own properties."""
OF_ODCS = (7, None, {"a": "b"})
"""Values besides a date for ODCS's own keys. Its schema checks their types, but knows no dates."""
NUMBERS, NAMES = {int, float}, {str, list}
ALSO: dict[str, set[type]] = {
    "parse": NAMES,
    "konfirmasi": NAMES,
    "missing_values": NAMES,
    "alias": NAMES,
    "lag": {str, int, float},
    "jenis": {str, int},
    "ok": {str, int, float, bool, type(None)},
    "start": {str, date},
    "max_quarantine_share": NUMBERS,
    "max_shrink_share": NUMBERS,
    "maximum": NUMBERS,
    "minimum": {str, date},
    "multipleOf": NUMBERS,
}
"""By the name of a property, the types that it may have besides that of the example."""


def places(value: Any, where: Where = ()) -> Iterator[Where]:
    if where:
        yield where
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, (*where, key))


def part_of(whole: Any, where: Where) -> Any:
    for key in where:
        whole = whole[key]
    return whole


def replaced(whole: dict[str, Any], where: Where, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(whole)
    part_of(changed, where[:-1])[where[-1]] = value
    return changed


def is_own(where: Where) -> bool:
    return "customProperties" in where and "value" in where


def names(whole: dict[str, Any], where: Where) -> tuple[str, ...]:
    """The way to a place by names: that of a custom property in place of its number, none for other items."""
    parts = [part_of(whole, where[:end]) for end in range(1, len(where) + 1)]
    return tuple(
        str(part["property"]) if isinstance(part, dict) and "property" in part else str(key)
        for key, part in zip(where, parts, strict=True)
        if isinstance(key, str) or (isinstance(part, dict) and "property" in part)
    )


def allowed(whole: dict[str, Any], where: Where) -> set[type]:
    """The types that a value may have at this place."""
    found, way = {type(part_of(whole, where))}, names(whole, where)
    if way[0] == "slaProperties" and way[-1] == "value":
        return NUMBERS
    name = way[-2] if way[-1] == "value" else way[-1]
    if not isinstance(where[-1], int) or name == "ok":
        found |= ALSO.get(name, set())
    return found


def read(folder: Path, changed: dict[str, Any]) -> Any:
    path = folder / "dinas/uji.odcs.yaml"
    path.parent.mkdir(exist_ok=True)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    path.write_text(yaml.dump(changed, Dumper=dumper, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return read_contract(path)


def chosen() -> dict[str, list[Where]]:
    """The places of each document that no document before it has."""
    seen = set[tuple[tuple[str, ...], type]]()
    found: dict[str, list[Where]] = {}
    for name, whole in DOCUMENTS.items():
        found[name] = []
        for where in places(whole):
            signature = (names(whole, where), type(part_of(whole, where)))
            if signature not in seen:
                found[name].append(where)
            seen.add(signature)
    return found


CHOSEN = chosen()


def keys_of_forms() -> set[str]:
    assert EXTRACT.keys
    below = {key for form in (EXTRACT, *EXTRACT.keys.values()) for key in form.keys or ()}
    return {name for forms in CUSTOM.values() for name in forms} | below


def test_documents_of_this_test_are_contracts_and_have_every_property(tmp_path: Path) -> None:
    for name, whole in DOCUMENTS.items():
        contract, faults = read(tmp_path, whole)
        assert contract, (name, faults)
    used = {part for whole in DOCUMENTS.values() for where in places(whole) for part in names(whole, where)}
    assert keys_of_forms() <= used


def test_keys_of_extract_are_those_of_the_three_kinds_of_source() -> None:
    known = {f.name for kind in (DatabaseExtract, ApiExtract, FileExtract) for f in fields(kind)}
    assert EXTRACT.keys and set(EXTRACT.keys) == known


@pytest.mark.parametrize("name", DOCUMENTS)
def test_value_of_another_type_is_a_fault_and_no_error(tmp_path: Path, name: str) -> None:
    whole = DOCUMENTS[name]
    accepted: list[tuple[Where, Any]] = []
    for where in CHOSEN[name]:
        for value in WRONG if is_own(where) else (DAY, OF_ODCS[len(where) % 3]):
            contract, faults = read(tmp_path, replaced(whole, where, value))
            assert all(fault.code != "GDK-K031" and fault.hint for fault in faults), (where, value, faults)
            assert bool(contract) is not bool(faults)
            if contract and type(value) not in allowed(whole, where):
                accepted.append((where, value))
    assert accepted == []


def test_value_of_another_type_in_a_real_contract_is_a_fault(tmp_path: Path) -> None:
    whole = yaml.safe_load((PROJECT_ROOT / "contracts/dinkes/kunjungan.odcs.yaml").read_text("utf-8"))
    for number, where in enumerate(filter(is_own, places(whole))):
        value = (7, True, None, ["a", 7], {7: "b"})[number % 5]
        contract, faults = read(tmp_path, replaced(whole, where, value))
        assert all(fault.code != "GDK-K031" for fault in faults), (where, value, faults)
        assert not contract or type(value) in allowed(whole, where), (where, value)
