"""`gudang check` and `gudang profile` on a dataset that was loaded."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.cli.data.profile import read_rows
from pipelines.settings import Settings
from tests.support.contracts import column, document, upload, write
from tests.support.loads import Loads

Run = Callable[..., tuple[int, str, str]]
SECRET = "Planted Value"


@pytest.fixture
def gudang(
    loads: Loads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs `gudang` on the dataset uji/data, of which one row in raw breaks a rule."""
    monkeypatch.setenv("GUDANG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GUDANG_PROJECT", str(tmp_path))
    monkeypatch.setenv("GUDANG_WAREHOUSE_URL", loads.url)
    columns = [
        column("id", "integer", primaryKey=True),
        column("nilai", "integer", logicalTypeOptions={"maximum": 99}),
        column("catatan", classification="terbatas"),
    ]
    write(
        tmp_path / "contracts",
        document(
            "uji/data",
            columns,
            upload("uji/data", "csv"),
            extract={"format": "csv", "pattern": "*.csv"},
        ),
    )
    contract = loads.contract(*columns)
    loads.load(contract, lambda *_: [(str(n), str(n), SECRET) for n in range(40)])
    loads.run("update raw.uji__data set nilai = 150 where id = 7")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gudang", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def test_a_broken_rule_is_shown_with_its_row_and_ends_with_1(gudang: Run, loads: Loads) -> None:
    code, out, _ = gudang("check", "uji/data")
    assert code == 1
    lines = [line.split() for line in out.splitlines()]
    assert ["lulus", "ada_baris", "40", "baris"] in lines
    assert ["7", "150"] in [line[:2] for line in lines]
    assert SECRET not in out
    code, out, _ = gudang("check", "uji/data", "--json")
    (broken,) = [found for found in json.loads(out) if not found["passed"]]
    assert (code, broken["check"], broken["code"], broken["unexpected"]) == (
        1,
        "rentang_nilai",
        "GDK-T004",
        1,
    )
    assert loads.connection.execute("select count(*) from ops.check_result").fetchone() == (0,)


def test_kept_rules_end_with_0_and_an_unknown_name_is_answered_with_the_nearest(
    gudang: Run, loads: Loads
) -> None:
    loads.run("update raw.uji__data set nilai = 50 where id = 7")
    assert gudang("check", "uji/data")[0] == 0
    code, _, err = gudang("check", "uji/dta")
    assert code == 1 and "maksudnya uji/data?" in err


def test_a_proposal_goes_into_a_new_file_and_never_over_another(gudang: Run, tmp_path: Path) -> None:
    out = tmp_path / "usulan.json"
    code, printed, _ = gudang("profile", "uji/data", "--out", str(out))
    assert code == 0 and "40 dari 40 baris yang berlaku" in printed
    proposed = out.read_text()
    assert json.loads(proposed)["name"] == "uji.data"
    assert SECRET not in printed + proposed and "(terbatas: tidak dilihat)" in printed
    code, _, err = gudang("profile", "uji/data", "--out", str(out))
    assert code == 1 and "sudah ada dan tidak diganti" in err
    assert out.read_text() == proposed


def test_a_file_is_looked_at_without_loading_it_and_closed_columns_stay_closed(
    gudang: Run, loads: Loads, tmp_path: Path
) -> None:
    file = tmp_path / "baru.csv"
    file.write_text("id,nilai,catatan\n" + "".join(f"{n},{n % 7},{SECRET}\n" for n in range(30)) + "x,1,\n")
    before = loads.run("select count(*), max(batch_id) from ops.load_batch")
    code, printed, _ = gudang("profile", "uji/data", "--file", str(file))
    assert code == 0 and "uji/data: 30 dari 30 baris baru.csv; 1 baris lain akan dikarantina" in printed
    assert SECRET not in printed and "(terbatas: tidak dilihat)" in printed
    assert ["nilai", "0%", "7", "0", "3", "6"] in [line.split()[:6] for line in printed.splitlines()]
    assert loads.run("select count(*), max(batch_id) from ops.load_batch") == before
    assert loads.run("select count(*) from raw.uji__data") == [(40,)]
    assert loads.run("select count(*) from quarantine.row") == [(0,)]
    assert gudang("profile", "uji/data", "--file", str(file), "--batch", "1")[0] == 1
    code, _, err = gudang("profile", "uji/data", "--batch", "1")
    assert code == 1 and "kiriman 1 tidak menunggu persetujuan" in err


def test_a_load_that_waits_is_looked_at(loads: Loads, tmp_path: Path) -> None:
    held = loads.contract(column("id", "integer", primaryKey=True), approval="required")
    waits = loads.load(held, lambda *_: [(str(n),) for n in range(5)])
    settings = Settings(home=tmp_path, project=tmp_path, warehouse_url=loads.url)
    frame, said = read_rows(loads.connection, held, settings, 3, batch=waits.batch_id)
    assert said == f"5 baris kiriman {waits.batch_id}, yang menunggu persetujuan"
    assert list(frame.columns) == ["id"] and len(frame) <= 5
