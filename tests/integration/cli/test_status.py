"""`gudang status`: which datasets it shows, what it says of them, and how that looks in a terminal of 80 columns."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest

from pipelines.cli.status import dataset_status
from pipelines.cli.status_table import print_status
from pipelines.errors import GudangError
from pipelines.runtime.terminal import Terminal
from tests.support.contracts import column
from tests.support.loads import Loads, Row, Rows


def give(*rows: Row) -> Rows:
    return lambda _contract, _since: list(rows)


def shown(rows: list[dict[str, Any]]) -> list[str]:
    out = StringIO()
    print_status(rows, Terminal(file=out, width=80))
    return out.getvalue().splitlines()


def test_the_contracts_decide_which_datasets_are_shown(loads: Loads) -> None:
    """uji/lama was loaded and has no contract any more; uji/baru has one and was never loaded."""
    here = loads.contract(column("isi"))
    loads.load(here, give(("a",)))
    loads.load(loads.contract(column("isi"), key="uji/lama"), give(("a",)))
    rows = dataset_status(loads.url, ["uji/baru", here.key])
    assert [(r["dataset"], r["state"], r["rows_in_raw"]) for r in rows] == [
        ("uji/baru", None, None),
        ("uji/data", "loaded", 1),
    ]
    lines = shown(rows)
    assert lines[1].split() == ["uji/baru", "belum", "-", "-", "0", "-", "-"]
    assert not any("uji/lama" in line for line in lines)


def test_rows_in_force_and_deleted_rows_are_shown(loads: Loads) -> None:
    contract = loads.contract(
        column("kunci", primaryKey=True, required=True),
        column("n", "integer"),
        max_quarantine_share=1,
    )
    loads.load(contract, give(("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")))
    loads.load(contract, give(("a", "1"), ("b", "2"), ("x", "bukan angka")))
    (row,) = dataset_status(loads.url, [contract.key])
    assert (row["rows_in_raw"], row["rows_deleted"], row["rows_waiting"]) == (2, 2, 1)
    assert shown([row])[1].split()[3:6] == ["2", "1", "2"]


def test_it_fits_80_columns_and_reads_nothing_from_outside_as_markup(loads: Loads) -> None:
    """Rich would take "[/b]" for the end of something, and "[red]" away."""
    contract = loads.contract(column("isi"))

    def broken(_contract: Any, _since: Any) -> list[Row]:
        raise GudangError(contract.key, "sel [/b] dan [red]merah[/red] " + "panjang " * 20)

    with pytest.raises(GudangError):
        loads.load(contract, broken)
    (row,) = dataset_status(loads.url, [contract.key])
    row |= {"checks": 62, "errors": 2, "warnings": 1, "rows_in_raw": 1_234_567}
    names = ("diskominfo/inventaris_aplikasi", "a" * 25 + "/" + "b" * 25)
    lines = shown([row, *({**row, "dataset": name} for name in names)])
    assert max(len(line) for line in lines) <= 80
    assert "".join(line.split(" ")[0] for line in lines[3:5]) == names[1]
    text = " ".join(line.strip() for line in lines)
    assert "uji/data: gagal: sel [/b] dan [red]merah[/red] panjang" in text
    assert "uji/data: uji: 2 gagal, 1 peringatan" in text
    assert "59/62" in text


def test_before_the_first_night_there_is_nothing(loads: Loads) -> None:
    loads.run("drop schema ops cascade")
    assert dataset_status(loads.url, ["uji/data"]) == []
