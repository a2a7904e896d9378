"""`gudang status`: the datasets that it shows, their figures, and the table in a terminal of 80 columns."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest

from pipelines.cli.data.status import dataset_status
from pipelines.cli.data.status_table import print_status
from pipelines.errors import GudangError
from pipelines.runtime.terminal import Terminal
from tests.support.contracts import column
from tests.support.loads import Loads, Row, Rows


def source_of(*rows: Row) -> Rows:
    return lambda _contract, _since: list(rows)


def printed(rows: list[dict[str, Any]]) -> list[str]:
    out = StringIO()
    print_status(rows, Terminal(file=out, width=80))
    return out.getvalue().splitlines()


def test_the_contracts_decide_which_datasets_are_shown(loads: Loads) -> None:
    """uji/lama was loaded and has no contract any more; uji/baru has one and was never loaded."""
    here = loads.contract(column("isi"))
    loads.load(here, source_of(("a",)))
    loads.load(loads.contract(column("isi"), key="uji/lama"), source_of(("a",)))
    rows = dataset_status(loads.url, ["uji/baru", here.key])
    assert [(r["dataset"], r["state"], r["rows_in_raw"]) for r in rows] == [
        ("uji/baru", None, None),
        ("uji/data", "loaded", 1),
    ]
    lines = printed(rows)
    assert lines[1].split() == ["uji/baru", "belum", "-", "-", "0", "-", "-"]
    assert not any("uji/lama" in line for line in lines)


def test_current_and_deleted_rows_are_shown(loads: Loads) -> None:
    contract = loads.contract(
        column("kunci", primaryKey=True, required=True),
        column("n", "integer"),
        max_quarantine_share=1,
    )
    loads.load(contract, source_of(("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")))
    loads.load(contract, source_of(("a", "1"), ("b", "2"), ("x", "bukan angka")))
    (row,) = dataset_status(loads.url, [contract.key])
    assert (row["rows_in_raw"], row["rows_deleted"], row["rows_waiting"]) == (2, 2, 1)
    assert printed([row])[1].split()[3:6] == ["2", "1", "2"]


def test_lines_fit_80_columns_and_texts_are_not_read_as_markup(loads: Loads) -> None:
    """Rich would read "[/b]" and "[red]" as markup."""
    contract = loads.contract(column("isi"))

    def broken(_contract: Any, _since: Any) -> list[Row]:
        raise GudangError(contract.key, "sel [/b] dan [red]merah[/red] " + "panjang " * 20)

    with pytest.raises(GudangError):
        loads.load(contract, broken)
    (row,) = dataset_status(loads.url, [contract.key])
    row |= {"checks": 62, "errors": 2, "warnings": 1, "rows_in_raw": 1_234_567}
    names = ("diskominfo/inventaris_aplikasi", "a" * 25 + "/" + "b" * 25)
    lines = printed([row, *({**row, "dataset": name} for name in names)])
    assert max(len(line) for line in lines) <= 80
    assert "".join(line.split(" ")[0] for line in lines[3:5]) == names[1]
    text = " ".join(line.strip() for line in lines)
    assert "uji/data: gagal: sel [/b] dan [red]merah[/red] panjang" in text
    assert "uji/data: uji: 2 gagal, 1 peringatan" in text
    assert "59/62" in text


def test_a_warehouse_without_a_ledger_has_no_status(loads: Loads) -> None:
    loads.run("drop schema ops cascade")
    assert dataset_status(loads.url, ["uji/data"]) == []
