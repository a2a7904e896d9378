"""Withdrawn files are deleted from the served folder, and an error says correctly which edition is shown."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from pipelines.errors import PublicationError
from pipelines.publication.edition import Edition
from pipelines.publication.mart import Clearance
from pipelines.publication.publish import publish_all, write_report
from tests.support.publishing import AT, CELLS, TOTALS, prepare

SEPARATE = tuple(replace(mart, published_together=None, companions=()) for mart in (CELLS, TOTALS))
CLOSED = replace(
    CELLS,
    clearance=Clearance(("mart_satu_data.rincian.kode <- raw dinkes/x.kode (terbatas)",), forbidden=True),
)
UNKNOWN = replace(CELLS, clearance=Clearance(("no contract describes it",)))
WITHOUT_RIGHT = """
import sys
from pathlib import Path
from pipelines.publication.edition import Edition

def hook(event, arguments):
    if event == "os.remove" and str(arguments[0]).endswith("000001/csv/gaji.csv"):
        raise PermissionError(13, "Permission denied", str(arguments[0]))

edition = Edition(Path(sys.argv[1]))
edition.drop("csv/gaji.csv")
sys.addaudithook(hook)
print(edition.show())
"""


@pytest.fixture
def warehouse(pg_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(pg_url, autocommit=True) as connection:
        prepare(connection)
        yield connection


def events(connection: Connection[Any], mart: str) -> list[tuple[Any, ...]]:
    query = "select event, reason from ops.publication_log where mart = %s order by at"
    return connection.execute(query, [mart]).fetchall()


def test_a_withdrawn_mart_is_in_no_edition(warehouse: Connection[Any], tmp_path: Path) -> None:
    publish_all(warehouse, SEPARATE, tmp_path, AT)
    publish_all(warehouse, SEPARATE[1:], tmp_path, AT)
    assert list(tmp_path.rglob("rincian.*")) == []
    assert len(list(tmp_path.rglob("jumlah.csv"))) == 2


def test_a_file_left_by_a_killed_run_is_deleted_even_without_a_change(
    tmp_path: Path,
) -> None:
    show(tmp_path, {"csv/gaji.csv": "1", "csv/x.csv": "1"})
    show(tmp_path, {"csv/x.csv": "2"}, drop="csv/gaji.csv")
    old = tmp_path / "terbitan/000001/csv/gaji.csv"
    assert not old.exists()
    old.write_text("1")
    assert not show(tmp_path, {"csv/x.csv": "2"})
    assert not old.exists()
    assert (tmp_path / "terbitan/000001/csv/x.csv").read_text() == "1"


def test_the_report_is_withdrawn_with_a_mart_that_it_reads(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    publish_all(warehouse, SEPARATE, tmp_path, AT)
    write_report(warehouse, tmp_path, AT, marts=SEPARATE)
    publish_all(warehouse, SEPARATE, tmp_path, AT, report=[UNKNOWN])
    assert (tmp_path / "laporan.html").exists()
    done = publish_all(warehouse, SEPARATE, tmp_path, AT, report=[CLOSED, SEPARATE[1]])
    assert done.withdrawn == ("laporan",)
    assert list(tmp_path.rglob("laporan.html")) == [] and not (tmp_path / "laporan.html").is_symlink()
    assert events(warehouse, "laporan") == [("terbit", None), ("ditarik", CLOSED.clearance.refusals[0])]  # type: ignore[union-attr]
    assert len(list((tmp_path / "csv").iterdir())) == 2


def test_a_forbidden_report_withdraws_the_old_one(warehouse: Connection[Any], tmp_path: Path) -> None:
    write_report(warehouse, tmp_path, AT, marts=SEPARATE)
    with pytest.raises(PublicationError, match="no contract describes it"):
        write_report(warehouse, tmp_path, AT, marts=[UNKNOWN])
    assert (tmp_path / "laporan.html").exists()
    for _ in range(2):
        with pytest.raises(PublicationError, match="terbatas"):
            write_report(warehouse, tmp_path, AT, marts=[CLOSED])
        assert list(tmp_path.rglob("laporan.html")) == []
    assert [event for event, _ in events(warehouse, "laporan")] == ["terbit", "ditarik"]


def test_a_blocked_link_is_an_error_before_anything_new_is_shown(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    show(tmp_path, {"csv/x.csv": "lama"})
    (tmp_path / "xlsx").mkdir()
    (tmp_path / "xlsx.lama").mkdir()
    (tmp_path / "xlsx.lama" / "catatan.txt").write_text("milik orang lain")
    with pytest.raises(PublicationError, match="yang sudah terbit tetap ada"):
        publish_all(warehouse, SEPARATE, tmp_path, AT)
    assert [path.name for path in (tmp_path / "csv").iterdir()] == ["x.csv"]
    assert events(warehouse, "rincian") == []


def test_a_fault_after_the_rename_is_a_warning_and_the_edition_is_shown(tmp_path: Path) -> None:
    show(tmp_path, {"csv/gaji.csv": "1", "csv/x.csv": "1"})
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_RIGHT, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
    assert "gaji.csv: tidak ada hak akses; edisi baru sudah terbit" in done.stderr
    assert [path.name for path in (tmp_path / "csv").iterdir()] == ["x.csv"]
    assert not show(tmp_path, {})
    assert list(tmp_path.rglob("gaji.csv")) == []


def show(out: Path, texts: dict[str, str], drop: str | None = None) -> bool:
    edition = Edition(out)
    for name, text in texts.items():
        edition.text(name, text)
    if drop:
        edition.drop(drop)
    return edition.show()
