"""Merged uploads: each file of the zone is merged once, whatever its mtime, also into versions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.errors import ContractError, SourceError
from pipelines.extract.upload.inbox import list_uploads
from pipelines.extract.upload.zone import upload_zone
from pipelines.load import arrivals
from tests.support.contracts import column
from tests.support.upload_folder import UploadFolder

ID, CONTENT = column("id", "integer", primaryKey=True), column("isi")
HEADER = "id,isi"


@pytest.fixture
def zone(warehouse_url: str, tmp_path: Path) -> Iterator[UploadFolder]:
    made = UploadFolder(warehouse_url, tmp_path)
    made.declare(ID, CONTENT, write_disposition="merge")
    yield made
    made.loads.connection.close()


def test_files_that_come_at_once_are_merged_oldest_first(zone: UploadFolder) -> None:
    zone.put("feb.csv", HEADER, "2,feb", "3,feb", age=10)
    zone.put("jan.csv", HEADER, "1,jan", "2,jan", age=20)
    done = zone.ingest()
    assert done.batch is not None and (done.batch.state, done.batch.read) == ("loaded", 4)
    assert zone.files() == [("jan.csv", "loaded"), ("feb.csv", "loaded")]
    assert zone.rows() == [(1, "jan"), (2, "feb"), (3, "feb")]
    assert zone.state() == "unchanged"


def test_new_content_is_merged_whatever_its_mtime(zone: UploadFolder) -> None:
    zone.put("jan.csv", HEADER, "1,jan", "2,jan", age=10)
    assert zone.state() == "loaded"
    zone.put("koreksi.csv", HEADER, "1,benar", age=5_000)
    assert zone.state() == "loaded"
    assert zone.rows() == [(1, "benar"), (2, "jan")]
    assert zone.state() == "unchanged"
    zone.put("salinan.csv", HEADER, "1,jan", "2,jan", age=0)  # the content of jan.csv under another name
    assert zone.state() == "unchanged"
    assert zone.rows() == [(1, "benar"), (2, "jan")]
    zone.put("koreksi.csv", HEADER, "1,lain", age=5_000)
    assert zone.state() == "loaded"
    zone.put("koreksi.csv", HEADER, "1,benar", age=5_000)  # as it was before
    assert zone.state() == "loaded"
    assert zone.rows() == [(1, "benar"), (2, "jan")]
    assert zone.state() == "unchanged"


def test_content_that_was_overwritten_may_come_again_under_another_name(zone: UploadFolder) -> None:
    zone.put("koreksi.csv", HEADER, "1,benar", age=30)
    assert zone.state() == "loaded"
    zone.put("koreksi.csv", HEADER, "1,salah", age=20)
    assert zone.state() == "loaded"
    zone.put("koreksi-2.csv", HEADER, "1,benar", age=10)
    assert zone.state() == "loaded"
    assert zone.rows() == [(1, "benar")]
    assert zone.state() == "unchanged"
    zone.ingest(full_refresh=True)
    assert zone.rows() == [(1, "benar")], "a reload gives the same"


def test_a_changed_contract_reads_only_the_file_that_came_last(zone: UploadFolder) -> None:
    zone.put("feb.csv", HEADER, "2,feb", age=10)
    assert zone.state() == "loaded"
    zone.put("jan.csv", HEADER, "1,jan", "2,jan", age=20)
    assert zone.state() == "loaded"
    path = zone.contract.path
    path.write_text(path.read_text("utf-8").replace("Kolom isi.", "Isinya."), encoding="utf-8")
    zone.ingest()
    assert zone.rows() == [(1, "jan"), (2, "jan")]
    assert zone.loads.run("select source_name from ops.load_batch order by batch_id desc limit 1") == [
        ("jan.csv",)
    ]


def test_a_broken_file_is_an_error_and_the_others_are_merged(zone: UploadFolder) -> None:
    zone.put("jan.csv", HEADER, '1,"jan', age=30)
    zone.put("feb.csv", HEADER, "2,feb", age=20)
    with pytest.raises(SourceError, match=r"jan\.csv: baris 2: tanda kutip"):
        zone.ingest()
    assert zone.rows() == [(2, "feb")]
    zone.put("jan.csv", HEADER, "1,jan", age=30)
    assert zone.state() == "loaded"
    assert zone.rows() == [(1, "jan"), (2, "feb")]


def test_after_a_late_file_the_newer_ones_are_merged_again(zone: UploadFolder) -> None:
    zone.put("jan.csv", HEADER, "1,jan", "2,jan", "3,jan", age=20)
    arrivals.register_files(
        zone.loads.connection, zone.contract, list_uploads(upload_zone(zone.settings), zone.contract).files
    )  # seen first, but its load failed
    held = zone.folder / "jan.csv"
    held.rename(zone.folder / "jan.csv.part")
    zone.put("feb.csv", HEADER, "2,feb", "3,feb", age=10)
    zone.put("mar.csv", HEADER, "3,mar", age=0)
    assert zone.state() == "loaded"
    (zone.folder / "jan.csv.part").rename(held)
    os.utime(zone.folder / "feb.csv", (1_700_000_500, 1_700_000_500))  # the same content with another mtime
    assert zone.state() == "loaded"
    assert zone.rows() == [(1, "jan"), (2, "feb"), (3, "mar")]
    names = [name for name, _ in zone.files()]
    assert names == ["feb.csv", "mar.csv", "jan.csv", "feb.csv", "mar.csv"]
    assert zone.state() == "unchanged"


def test_after_a_kill_the_next_load_merges_the_newer_files_again(zone: UploadFolder) -> None:
    for name, age in (("jan.csv", 20), ("feb.csv", 10)):
        zone.put(name, HEADER, "1," + name[:3], age=age)
    assert zone.state() == "loaded"
    zone.loads.run("update raw.uji__data set isi = 'jan'")
    zone.loads.run(
        "insert into ops.load_batch (dataset, source_name, source_fingerprint, state) select dataset, source_name,"
        " source_fingerprint, state from ops.load_batch where source_name = 'jan.csv'"
    )  # as if jan.csv was merged late, and feb.csv not again
    assert zone.state() == "loaded" and zone.rows() == [(1, "feb")]
    assert zone.state() == "unchanged"


def test_a_broken_file_that_stays_makes_no_other_be_merged_again(zone: UploadFolder) -> None:
    zone.put("jan.csv", HEADER, '1,"jan', age=30)
    zone.put("feb.csv", HEADER, "2,feb", age=20)
    for _ in range(2):
        with pytest.raises(SourceError):
            zone.ingest()
    assert [name for name, state in zone.files() if state == "loaded"] == ["feb.csv"]


def test_a_full_refresh_merges_only_the_files_that_are_there_now(zone: UploadFolder) -> None:
    zone.put("jan.csv", HEADER, "1,jan", "2,jan", age=20)
    zone.put("feb.csv", HEADER, "2,feb", "3,feb", age=10)
    zone.ingest()
    (zone.folder / "jan.csv").unlink()
    zone.put("mar.csv", HEADER, "4,mar", age=0)
    zone.ingest()
    assert len(zone.rows()) == 4
    zone.ingest(full_refresh=True)
    assert zone.rows() == [(2, "feb"), (3, "feb"), (4, "mar")]
    assert zone.state() == "unchanged"


def test_each_file_is_a_version_and_a_full_refresh_of_several_is_refused(zone: UploadFolder) -> None:
    berlaku = column("berlaku", "date", required=True)
    zone.declare(ID, CONTENT, berlaku, write_disposition="merge", merge_strategy="scd2", cursor="berlaku")
    header = "id,isi,berlaku"
    zone.put("feb.csv", header, "1,b,2024-02-01", age=10)
    zone.put("jan.csv", header, "1,a,2024-01-01", "2,a,2024-01-01", age=20)
    zone.ingest()
    versions = [(1, "a", False), (1, "b", True), (2, "a", True)]
    assert zone.rows("id", "isi", "is_current") == versions
    zone.put("des.csv", header, "1,lama,2023-12-01", age=0)  # late: an older version changes nothing
    zone.ingest()
    assert zone.rows("id", "isi", "is_current") == versions
    with pytest.raises(
        ContractError, match="3 berkas, dan muat ulang penuh akan mengakhiri dan memulai versi"
    ):
        zone.ingest(full_refresh=True)
    assert zone.rows("id", "isi", "is_current") == versions


@pytest.mark.parametrize("with_cursor", [False, True])
def test_after_a_new_reference_row_a_file_is_merged_again_only_with_a_cursor(
    zone: UploadFolder, with_cursor: bool
) -> None:
    zone.loads.run("create table core.ref_isi (isi text); insert into core.ref_isi values ('lama'), ('baru')")
    zone.declare(
        ID,
        column("isi", relationships=[{"to": "ref_isi.isi"}]),
        column("waktu", "date", required=True),
        write_disposition="merge",
        max_quarantine_share=0.9,
        **({"cursor": "waktu"} if with_cursor else {}),
    )
    header = "id,isi,waktu"
    zone.put("jan.csv", header, "1,entah,2024-01-01", "2,lama,2024-01-01", age=20)
    zone.put("feb.csv", header, "2,baru,2024-02-01", age=10)
    assert zone.state() == "loaded" and zone.rows("id", "isi") == [(2, "baru")]
    zone.loads.run("insert into core.ref_isi values ('entah')")
    assert zone.state() == ("loaded" if with_cursor else "unchanged")
    assert zone.rows("id", "isi") == ([(1, "entah")] if with_cursor else []) + [(2, "baru")]
    assert zone.state() == "unchanged"
    batch = zone.ingest().batch
    assert batch is not None and batch.read == 0, "once for each change"


def test_a_file_resolves_its_own_refused_rows_and_no_others(zone: UploadFolder) -> None:
    zone.declare(
        ID,
        column("isi", "integer"),
        write_disposition="merge",
        max_quarantine_share=1.0,
    )
    zone.put("jan.csv", HEADER, "1,x", "2,2", age=9)
    zone.ingest()
    zone.put("feb.csv", HEADER, "3,y", "4,4", age=8)
    zone.ingest()
    states = "select row_key, state from quarantine.row order by row_key"
    assert zone.loads.run(states) == [("1", "open"), ("3", "open")]
    zone.put("jan.csv", HEADER, "2,2", age=7)
    zone.ingest()
    assert zone.loads.run(states) == [("1", "resolved"), ("3", "open")]
