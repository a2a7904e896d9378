"""`gudang confirm`: names what waits, confirms it, names what is confirmed, and takes it back."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.extract.upload.files import put_upload
from pipelines.ingest import ingest
from pipelines.settings import PROJECT_ROOT, Settings
from tests.support.contracts import column, document, make, upload
from tests.support.loads import Loads

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def gudang(
    loads: Loads,
    dagster_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs `gudang` in a project of the test's own."""
    shutil.copytree(PROJECT_ROOT / "deploy", tmp_path / "deploy")
    shutil.copytree(PROJECT_ROOT / "dbt_like_sql", tmp_path / "dbt_like_sql")
    for name, value in (
        ("GUDANG_HOME", str(tmp_path / "home")),
        ("GUDANG_PROJECT", str(tmp_path)),
        ("GUDANG_WAREHOUSE_URL", loads.url),
        ("GUDANG_DAGSTER_URL", dagster_url),
        ("GUDANG_PSEUDONYM_KEY", "k" * 40),
    ):
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["gudang", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return run


def test_an_unusual_value_is_confirmed_and_taken_back(gudang: Run, loads: Loads, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", project=tmp_path, warehouse_url=loads.url)
    columns = [
        column("kode", required=True, primaryKey=True),
        column("jumlah", "integer", konfirmasi=["maximum"], logicalTypeOptions={"maximum": 100}),
    ]
    extract = {"format": "csv", "pattern": "*.csv"}
    contract = make(
        settings.contracts_dir,
        document("uji/data", columns, upload("uji/data", "csv"), extract=extract, max_quarantine_share=1),
    )
    file = tmp_path / "data.csv"
    file.write_text("kode,jumlah\nA,1\nB,500\n")
    put_upload(settings.home / "unggahan", contract.key, file)

    def load() -> list[str]:
        ingest(loads.connection, contract, settings, loads.url, run_id="uji")
        return [kode for (kode,) in loads.raw(contract, "kode")]

    assert load() == ["A"]
    ((entry,),) = loads.run("select entry_id from quarantine.row")
    code, said = gudang("confirm", "uji/data")
    assert code == 0, said
    assert "1 sel menunggu konfirmasi" in said and f"  {entry}  baris 3  jumlah: " in said
    code, said = gudang("confirm", "uji/data", str(entry), "--reason", "panen raya", "--by", "siti")
    assert code == 0 and "1 sel dikonfirmasi; barisnya diterima pada pemuatan berikutnya" in said
    assert load() == ["A", "B"]

    code, said = gudang("confirm", "uji/data", "--withdraw")
    assert code == 0 and "1 konfirmasi berlaku" in said
    assert "  1  baris 3  jumlah, maximum: 500; oleh siti: panen raya" in said
    code, said = gudang("confirm", "uji/data", "1", "--withdraw")
    assert code == 1 and "alasannya belum diisi" in said
    code, said = gudang("confirm", "uji/data", "1", "--withdraw", "--reason", "salah ketik")
    assert code == 0 and "1 konfirmasi ditarik; barisnya ditahan pada pemuatan berikutnya" in said
    assert load() == ["A"]
    assert "0 konfirmasi berlaku" in gudang("confirm", "uji/data", "--withdraw")[1]


def test_a_dry_run_says_what_would_change(gudang: Run, loads: Loads, tmp_path: Path) -> None:
    make(
        tmp_path / "contracts",
        document("uji/data", [column("kode", primaryKey=True)], upload("uji/data", "csv"),
                 extract={"format": "csv", "pattern": "*.csv"}),
    )  # fmt: skip
    file = tmp_path / "data.csv"
    file.write_text("kode\nA\nB\n")
    code, said = gudang("upload", "--dry-run", "uji/data", str(file))
    assert code == 0
    assert said.splitlines()[0] == "data.csv: 2 baru, 0 berubah, 0 sama, 0 dihapus, 0 dikarantina (baris)"
    assert not (tmp_path / "home" / "unggahan").exists()
    assert loads.run("select count(*) from ops.load_batch") == [(0,)]
    file.write_text("lain\nA\n")
    assert gudang("upload", "--dry-run", "uji/data", str(file))[0] == 1
