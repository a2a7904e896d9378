"""A value of another YAML type than its property needs is a fault at its line. It is never converted or guessed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.contracts.files import read_contract
from pipelines.datasets import read_datasets
from pipelines.settings import Settings
from tests.support.contracts import api, column, database, document, upload, write

ID = column("id", "bigint", primaryKey=True)
CHANGED = column("diubah", "timestamp", required=True)


def of(*columns: dict[str, Any], **custom: Any) -> dict[str, Any]:
    custom = {"extract": {"table": "t"}} | custom
    return document("dinas/uji", list(columns) or [ID, CHANGED], database("UJI_URL"), **custom)


def cell(**custom: Any) -> dict[str, Any]:
    return of(ID, column("a", **custom))


def file(kind: str, **extract: Any) -> dict[str, Any]:
    extract = {"format": kind, "pattern": "*"} | extract
    return document("dinas/uji", [ID], upload("dinas/uji", kind), extract=extract)


def sla(name: str, value: Any, unit: str) -> dict[str, Any]:
    return of() | {"slaProperties": [{"property": name, "value": value, "unit": unit}]}


def server(**custom: Any) -> dict[str, Any]:
    return document("dinas/uji", [ID], database("UJI_URL", **custom), extract={"table": "t"})


def partition(**parts: Any) -> dict[str, Any]:
    return of(partition={"column": "diubah", "every": "daily", "start": "2026-01-01"} | parts)


def only(folder: Path, whole: dict[str, Any]) -> tuple[str, str, str | None]:
    """Message and code of the only fault, and the text of its line."""
    contract, (fault,) = read_contract(write(folder, whole))
    assert contract is None and fault.hint
    return fault.message, fault.path.read_text("utf-8").splitlines()[fault.line - 1].strip(), fault.code


QUOTED_TRUE = "bukan true atau false, melainkan teks"


@pytest.mark.parametrize(
    ("whole", "message", "line"),
    [
        (of(publish="false"), f"publish {QUOTED_TRUE}", "value: 'false'"),
        (of(publish=1), "publish bukan true atau false, melainkan angka", "value: 1"),
        (of(publish=None), "publish bukan true atau false, melainkan kosong", "value: null"),
        (of(cursor=5), "cursor bukan teks, melainkan angka", "value: 5"),
        (of(cursor=["a"]), "cursor bukan teks, melainkan daftar", "value:"),
        (of(cursor=" "), "cursor kosong", "value: ' '"),
        (of(max_shrink_share="0.5"), "max_shrink_share bukan angka, melainkan teks", "value: '0.5'"),
        (of(check_timeout=True), "check_timeout bukan bilangan bulat, melainkan true atau false", "value: true"),
        (cell(drop="false"), f"a: drop {QUOTED_TRUE}", "value: 'false'"),
        (cell(missing_values=99), "a: missing_values bukan teks atau daftar teks, melainkan angka", "value: 99"),
        (cell(missing_values=["-", False]), "a: missing_values: butir ke-2 bukan teks", "- false"),
        (cell(pseudonymise=True), "a: pseudonymise bukan teks, melainkan true atau false", "value: true"),
        (server(rows_per_second=True), "rows_per_second bukan bilangan bulat", "value: true"),
        (server(load_hours=20), "load_hours bukan teks, melainkan angka", "value: 20"),
        (file("csv", short_rows="false"), f"extract: short_rows {QUOTED_TRUE}", "short_rows: 'false'"),
        (file("csv", skipinitialspace=1), "extract: skipinitialspace bukan true atau false", "skipinitialspace: 1"),
        (file("csv", fill_down="a"), "extract: fill_down bukan daftar teks, melainkan teks", "fill_down: a"),
        (file("xlsx", sheet=2024), "extract: sheet bukan teks, melainkan angka", "sheet: 2024"),
        (partition(start=datetime(2026, 1, 1)), "partition: start bukan tanggal, melainkan waktu", "start: 2026"),
        (partition(end="2026-02-01"), "partition: end tidak dikenal", "end: '2026-02-01'"),
    ],
)  # fmt: skip
def test_fault_of_a_type_has_its_line_and_code(
    tmp_path: Path, whole: dict[str, Any], message: str, line: str
) -> None:
    found, at, code = only(tmp_path, whole)
    assert found.startswith(message) and at.startswith(line) and code == "GDK-K030"


def test_secret_of_the_wrong_type_is_not_repeated(tmp_path: Path) -> None:
    extract = {"path": "/v1", "auth": {"type": "bearer", "token": 90210}}
    whole = document("dinas/uji", [ID], api("UJI_URL"), extract=extract)
    found, _, _ = only(tmp_path, whole)
    assert found == "extract: auth: token bukan teks, melainkan angka"


@pytest.mark.parametrize("value", ["99", ["99"]])
def test_single_missing_value_is_one_text(tmp_path: Path, value: Any) -> None:
    contract, _ = read_contract(write(tmp_path, cell(missing_values=value)))
    assert contract and contract.column("a").missing_values == ("99",)


@pytest.mark.parametrize(
    ("whole", "message", "line"),
    [
        (sla("retention", -5, "y"), "retention: value dengan unit y tidak antara 1 hari dan 100 tahun", "value: -5"),
        (sla("retention", 0, "y"), "retention: value dengan unit y tidak antara", "value: 0"),
        (sla("retention", 2500, "y"), "retention: value dengan unit y tidak antara", "value: 2500"),
        (sla("retention", float("inf"), "y"), "retention: value dengan unit y tidak antara", "value: .inf"),
        (sla("retention", 23, "h"), "retention: value dengan unit h tidak antara", "value: 23"),
        (sla("frequency", float("nan"), "d"), "frequency: value dengan unit d tidak antara 0 dan", "value: .nan"),
        (sla("latency", 0, "h"), "latency: value dengan unit h tidak antara 0 dan", "value: 0"),
        (of(reconcile="P2500Y"), "reconcile 'P2500Y' melebihi 100 tahun", "value: P2500Y"),
        (of(reconcile="P99Y999999999D"), "reconcile 'P99Y999999999D' melebihi 100 tahun", "value: P99Y999999999D"),
        (of(reconcile="P9999999999D"), "reconcile 'P9999999999D' bukan durasi ISO 8601", "value: P9999999999D"),
        (of(lag=float("inf")), "lag inf bukan angka di atas 0", "value: .inf"),
        (of(check_timeout=10**9), "check_timeout 1000000000 bukan bilangan bulat dari 1", "value: 1000000000"),
        (server(statement_timeout=10**9), "statement_timeout 1000000000 bukan bilangan bulat dari 1", "customProp"),
        (server(load_hours="20:00+08:00-05:00"), "load_hours '20:00+08:00-05:00' bukan rentang jam", "customProp"),
        (partition(start="0001-01-01"), "partition: start 0001-01-01 tidak dalam tahun 1900", "value:"),
    ],
)  # fmt: skip
def test_duration_that_cannot_be_kept_is_a_fault(
    tmp_path: Path, whole: dict[str, Any], message: str, line: str
) -> None:
    found, at, _ = only(tmp_path, whole)
    assert found.startswith(message) and at.startswith(line)


def test_longest_and_shortest_retention_are_accepted(tmp_path: Path) -> None:
    for value, unit in ((1, "d"), (24, "h"), (100, "y"), (0.5, "y")):
        assert read_contract(write(tmp_path, sla("retention", value, unit)))[0]


@pytest.mark.parametrize("written", ["yes", "1.10", "2024-01-01"])
def test_class_that_yaml_does_not_read_as_a_text_is_a_fault(tmp_path: Path, written: str) -> None:
    whole = of(ID, column("a", enum=[{"value": yaml.safe_load(written)}]))
    assert only(tmp_path, whole)[0] == "a: enum: butir ke-1 bukan teks"


@pytest.mark.parametrize("part", ["team", "properties"])
def test_part_without_which_there_is_no_contract_is_a_fault(tmp_path: Path, part: str) -> None:
    whole = of()
    if part == "team":
        whole["team"] = [{"username": "a"}]
    else:
        del whole["schema"][0]["properties"]
    assert part in only(tmp_path, whole)[0]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2024-02-30\n", 2),
        ("a: 1\nb: [\n", 3),
        ("a: &a [*a]\n", 1),
        ("[" * 500 + "]" * 500, 1),
        ("[" * 9000 + "]" * 9000, 1),
    ],
)
def test_text_that_yaml_cannot_read_is_a_fault(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "uji.odcs.yaml"
    path.write_text(text, encoding="utf-8")
    contract, faults = read_contract(path)
    assert contract is None
    assert (faults[0].code, faults[0].line) == ("GDK-K002", line)


def test_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    contract, (fault,) = read_contract(tmp_path)
    assert contract is None and fault.code == "GDK-K002"
    (tmp_path / "a.odcs.yaml").write_bytes(b"id: a\nname: \xff\n")
    contract, (fault,) = read_contract(tmp_path / "a.odcs.yaml")
    assert contract is None and (fault.code, fault.line) == ("GDK-K002", 2)


def test_error_that_no_check_foresees_sets_one_contract_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        raise TypeError("rahasia")

    monkeypatch.setattr("pipelines.contracts.files.make_contract", broken)
    write(tmp_path / "contracts", of())
    read_in = read_datasets(Settings(tmp_path, tmp_path, None))
    (aside,) = read_in.set_aside
    (fault,) = aside.faults
    assert (fault.code, aside.key) == ("GDK-K031", "dinas/uji")
    assert "TypeError di " in fault.message and fault.hint
    assert "rahasia" not in str(fault)
