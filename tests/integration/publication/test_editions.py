"""A publication is complete or does not happen: kills, readers, withdrawn marts, old folders, blocked paths."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from pipelines.errors import PublicationError
from pipelines.publication.mart import Clearance
from pipelines.publication.publish import Publication, publish_all, write_report
from tests.support.disk import SyncedFiles
from tests.support.publishing import AT, CELLS, TOTALS, months, prepare, set_month

BOTH = (CELLS, TOTALS)
DOOMED = """
import os, sys
from pathlib import Path
import psycopg
import pipelines.publication.publish as publish
import pipelines.publication.spreadsheet, openpyxl.writer.excel, openpyxl.cell.cell
from tests.support.publishing import AT, CELLS, TOTALS

url, template = sys.argv[1:]
EVENTS = {"os.rename", "os.remove", "os.link", "os.symlink", "os.mkdir", "os.rmdir"}

def doomed(folder, at):
    seen = 0
    def hook(event, arguments):
        nonlocal seen
        if event in EVENTS and str(folder) in str(arguments):
            seen += 1
            if seen == at:
                os.kill(os.getpid(), 9)
    sys.addaudithook(hook)
    with psycopg.connect(url, autocommit=True) as connection:
        publish.publish_all(connection, [CELLS, TOTALS], folder, AT)

at = 0
while True:
    at += 1
    folder = Path(f"{template}-{at}")
    if os.fork() == 0:
        doomed(folder, at)
        os._exit(0)
    _, status = os.wait()
    print(at, status, flush=True)
    if status == 0:
        break
"""


@pytest.fixture
def warehouse(pg_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(pg_url, autocommit=True) as connection:
        prepare(connection)
        yield connection


def published(connection: Connection[Any], marts: Any, out: Path) -> Publication:
    done = publish_all(connection, marts, out, AT)
    assert done.refused == ()
    return done


def logged(connection: Connection[Any], mart: str) -> list[tuple[Any, ...]]:
    query = "select event, basis, reason from ops.publication_log where mart = %s and path like '%%.csv' order by at"
    return connection.execute(query, [mart]).fetchall()


def described(folder: Path) -> dict[str, str]:
    """The files of the data package and their hashes."""
    package = json.loads((folder / "datapackage.json").read_text("utf-8"))
    return {entry["path"]: entry["hash"] for entry in package["resources"]}


def assert_complete(folder: Path) -> None:
    """Each described file exists with its hash, and the catalogue has the same files."""
    files = described(folder)
    assert set(files) == {f"{kind}/{m.name}.{kind}" for kind in ("csv", "xlsx") for m in BOTH}
    for path, digest in files.items():
        assert "sha256:" + hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest
    catalogue = (folder / "dcat.jsonld").read_text("utf-8")
    assert all(digest.removeprefix("sha256:") in catalogue for digest in files.values())


def test_a_kill_at_any_point_leaves_the_old_or_the_new_edition(
    warehouse: Connection[Any], pg_url: str, tmp_path: Path
) -> None:
    template = tmp_path / "publikasi"
    published(warehouse, BOTH, template)
    for at in range(1, 120):
        shutil.copytree(template, tmp_path / f"publikasi-{at}", symlinks=True)
    set_month(warehouse, 2)
    done = subprocess.run(
        [sys.executable, "-c", DOOMED, pg_url, str(template)],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    statuses = [int(line.split()[1]) for line in done.stdout.splitlines()]
    assert statuses[-1] == 0 and 10 < len(statuses) < 120
    assert set(statuses[:-1]) == {signal.SIGKILL}
    left = [months(tmp_path / f"publikasi-{at}") for at in range(1, len(statuses) + 1)]
    assert set(left) == {("1", "1"), ("2", "2")}
    assert left[-1] == ("2", "2") and left == sorted(left)
    for at in range(1, len(statuses) + 1):
        folder = tmp_path / f"publikasi-{at}"
        assert_complete(folder)
        if at % 4 and at < len(statuses):
            continue
        publish_all(warehouse, BOTH, folder, AT)
        assert months(folder) == ("2", "2")
        assert_complete(folder)
        assert len(list((folder / "terbitan").iterdir())) <= 2


def test_every_file_is_on_the_disk_before_its_edition_is_shown(
    warehouse: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = SyncedFiles(monkeypatch)
    publish_all(warehouse, BOTH, tmp_path, AT)
    write_report(warehouse, tmp_path, AT)
    assert synced.missing((tmp_path / "terkini").resolve()) == []


def test_a_copy_on_a_disk_without_hard_links_is_on_the_disk_too(
    warehouse: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no hard links")

    separate = [replace(mart, published_together=None, companions=()) for mart in BOTH]
    publish_all(warehouse, separate, tmp_path, AT)
    monkeypatch.setattr(os, "link", refuse)
    synced = SyncedFiles(monkeypatch)
    set_month(warehouse, 2)
    publish_all(warehouse, separate, tmp_path, AT, selected={"rincian"})
    assert months(tmp_path) == ("2", "1")
    assert synced.missing((tmp_path / "terkini").resolve()) == []


def test_a_reader_during_a_publication_sees_one_edition(warehouse: Connection[Any], tmp_path: Path) -> None:
    publish_all(warehouse, BOTH, tmp_path, AT)
    seen: set[tuple[str, ...]] = set()
    failures: list[str] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            try:
                seen.add(months((tmp_path / "terkini").resolve()))
                (tmp_path / "csv" / "rincian.csv").read_text()
            except OSError as error:
                failures.append(repr(error))

    reader = threading.Thread(target=read)
    reader.start()
    for month in range(2, 9):
        set_month(warehouse, month)
        publish_all(warehouse, BOTH, tmp_path, AT)
    over.set()
    reader.join()
    assert failures == []
    assert seen and all(cells == totals for cells, totals in seen)


def test_the_files_of_a_withdrawn_mart_are_deleted_and_logged(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    separate = [replace(mart, published_together=None, companions=()) for mart in BOTH]
    publish_all(warehouse, separate, tmp_path, AT)
    done = publish_all(warehouse, separate[1:], tmp_path, AT)
    assert done.withdrawn == ("rincian",)
    assert not list(tmp_path.glob("*/rincian.*"))
    assert set(described(tmp_path)) == {"csv/jumlah.csv", "xlsx/jumlah.xlsx"}
    assert "rincian" not in (tmp_path / "dcat.jsonld").read_text("utf-8")
    assert logged(warehouse, "rincian") == [
        ("terbit", {"jumlah": "penyamaran"}, None),
        ("ditarik", None, "tidak lagi terbuka"),
    ]
    assert publish_all(warehouse, separate[1:], tmp_path, AT).withdrawn == ()
    publish_all(warehouse, separate, tmp_path, AT)
    assert [row[0] for row in logged(warehouse, "rincian")] == ["terbit", "ditarik", "terbit"]


def test_a_mart_that_may_no_longer_be_published_is_withdrawn_with_the_reason(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    publish_all(warehouse, BOTH, tmp_path, AT)
    closed = replace(
        CELLS,
        clearance=Clearance(("mart_satu_data.rincian.kode <- raw dinkes/x.kode (terbatas)",), forbidden=True),
    )
    done = publish_all(warehouse, [closed, TOTALS], tmp_path, AT)
    assert [error.subject for error in done.refused] == ["rincian", "jumlah"]
    assert done.withdrawn == ("rincian",)
    assert [path.name for path in (tmp_path / "csv").iterdir()] == ["jumlah.csv"]
    assert logged(warehouse, "rincian")[-1] == ("ditarik", None, closed.clearance.refusals[0])  # type: ignore[union-attr]


def test_a_mart_of_unknown_clearance_keeps_its_files(warehouse: Connection[Any], tmp_path: Path) -> None:
    """A faulty contract forbids nothing: its marts are not published again, and their files stay."""
    publish_all(warehouse, BOTH, tmp_path, AT)
    set_month(warehouse, 2)
    unknown = [replace(m, clearance=Clearance(("no contract describes it",))) for m in BOTH]
    done = publish_all(warehouse, unknown, tmp_path, AT)
    assert (len(done.refused), done.withdrawn) == (2, ())
    assert months(tmp_path) == ("1", "1")
    assert_complete(tmp_path)


def test_a_new_basis_is_logged_though_the_file_is_the_same(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    publish_all(warehouse, BOTH, tmp_path, AT)
    basis = {"jumlah": "agregat: Bukan tentang orang."}
    other = [replace(mart, clearance=Clearance(basis=basis)) for mart in BOTH]
    publish_all(warehouse, other, tmp_path, AT)
    publish_all(warehouse, other, tmp_path, AT)
    assert [row[1] for row in logged(warehouse, "jumlah")] == [{"jumlah": "penyamaran"}, basis]


def test_the_report_and_the_files_are_of_one_edition(warehouse: Connection[Any], tmp_path: Path) -> None:
    publish_all(warehouse, BOTH, tmp_path, AT)
    write_report(warehouse, tmp_path, AT)
    assert months(tmp_path) == ("1", "1")
    assert (tmp_path / "laporan.html").resolve().parent == (tmp_path / "datapackage.json").resolve().parent


def test_a_folder_without_editions_is_converted(
    warehouse: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "csv").mkdir()
    for mart in (*BOTH, replace(CELLS, name="ditutup")):
        (tmp_path / "csv" / f"{mart.name}.csv").write_text("bulan,kode,jumlah\n0,64.72,1.00\n")
    (tmp_path / "csv" / "catatan.txt").write_text("milik orang lain")
    (tmp_path / "laporan.html").write_text("laporan lama")
    (tmp_path / "datapackage.json").write_text('{"resources": []}')
    synced = SyncedFiles(monkeypatch)
    done = publish_all(warehouse, BOTH, tmp_path, AT)
    assert [file.changed for file in done.published] == [True, True]
    assert done.withdrawn == ("ditutup",)
    assert months(tmp_path) == ("1", "1")
    assert_complete(tmp_path)
    assert synced.missing(tmp_path / "terbitan") == []
    assert (tmp_path / "laporan.html").read_text() == "laporan lama"
    assert (tmp_path / "csv.lama" / "catatan.txt").read_text() == "milik orang lain"
    assert [path.name for path in (tmp_path / "csv.lama").iterdir()] == ["catatan.txt"]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("terkini", "terkini bukan tautan milik gudang"),
        ("terbitan", "terbitan: sudah ada"),
        ("csv.lama", "csv.lama"),
    ],
)
def test_a_blocked_path_is_named_and_nothing_changes(
    warehouse: Connection[Any], tmp_path: Path, place: str, message: str
) -> None:
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "rincian.csv").write_text("lama")
    (tmp_path / place).write_text("di jalan")
    with pytest.raises(PublicationError, match=message) as error:
        publish_all(warehouse, BOTH, tmp_path, AT)
    assert "yang sudah terbit tetap ada" in str(error.value)
    assert (tmp_path / "csv" / "rincian.csv").read_text() == "lama"
    assert logged(warehouse, "rincian") == []


def test_only_the_previous_edition_is_kept(warehouse: Connection[Any], tmp_path: Path) -> None:
    for month in (1, 2, 3, 3):
        set_month(warehouse, month)
        publish_all(warehouse, BOTH, tmp_path, AT)
    assert sorted(p.name for p in (tmp_path / "terbitan").iterdir()) == ["000002", "000003"]
