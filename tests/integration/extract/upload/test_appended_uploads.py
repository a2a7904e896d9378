"""Appended uploads: each file of the zone is loaded once, in its latest content, whether or not others are broken."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import LoadError, SourceError
from pipelines.extract.source import open_source
from pipelines.extract.stream import SourceStream
from pipelines.ingest import loads
from tests.support.contracts import column
from tests.support.upload_folder import UploadFolder


@pytest.fixture
def zone(warehouse_url: str, tmp_path: Path) -> Iterator[UploadFolder]:
    made = UploadFolder(warehouse_url, tmp_path)
    made.declare(
        column("bulan", physicalName="@file"),
        column("nilai", "integer"),
        write_disposition="append",
        max_quarantine_share=0.4,
    )
    yield made
    made.loads.connection.close()


def test_a_zone_without_files_loads_nothing(zone: UploadFolder) -> None:
    assert zone.ingest().batch is None
    assert zone.files() == []


def test_every_file_is_loaded_once_oldest_first_and_a_correction_replaces_its_rows(
    zone: UploadFolder,
) -> None:
    zone.put("feb.csv", "nilai", 3, age=10)
    zone.put("jan.csv", "nilai", 1, 2, age=20)
    done = zone.ingest()
    assert done.batch is not None and (done.batch.state, done.batch.loaded) == ("loaded", 3)
    assert zone.files() == [("jan.csv", "loaded"), ("feb.csv", "loaded")]
    again = zone.ingest()
    assert again.batch is not None and again.batch.state == "unchanged"
    zone.put("jan.csv", "nilai", 1, 5, 6, age=0)
    zone.put("salinan.csv", "nilai", 3, age=0)  # the content of feb.csv under another name
    done = zone.ingest()
    assert done.batch is not None and (done.batch.loaded, done.batch.deleted) == (2, 1)
    assert zone.rows() == [("feb.csv", 3), ("jan.csv", 1), ("jan.csv", 5), ("jan.csv", 6)]


def test_a_broken_file_is_an_error_and_the_others_are_loaded(zone: UploadFolder) -> None:
    zone.put("jan.csv", "nilai", 1, age=30)
    zone.put("feb.csv", "nilai", '"2', age=20)
    zone.put("mar.csv", "nilai", 3, age=10)
    with pytest.raises(SourceError, match=r"feb\.csv: baris 2: tanda kutip"):
        zone.ingest()
    assert zone.rows() == [("jan.csv", 1), ("mar.csv", 3)]
    zone.put("feb.csv", "nilai", 2, age=0)
    done = zone.ingest()
    assert done.batch is not None and done.batch.loaded == 1
    assert zone.rows() == [("feb.csv", 2), ("jan.csv", 1), ("mar.csv", 3)]


def test_a_key_that_moves_to_a_file_which_is_tried_first_is_loaded_in_the_same_run(
    zone: UploadFolder,
) -> None:
    zone.declare(column("id", "integer", primaryKey=True), write_disposition="append")
    zone.put("jan.csv", "id", 7, age=30)
    zone.put("feb.csv", "id", 8, age=20)
    assert zone.state() == "loaded"
    zone.put("feb.csv", "id", 7, 8, age=0)
    zone.put("jan.csv", "id", 9, age=0)
    done = zone.ingest()
    assert done.batch is not None and (done.batch.state, done.batch.deleted) == ("loaded", 1)
    assert zone.files()[2:] == [("feb.csv", "failed"), ("jan.csv", "loaded"), ("feb.csv", "loaded")]
    assert zone.rows() == [(7,), (8,), (9,)]


def test_a_file_whose_keys_others_had_is_loaded_once_they_are_free_whatever_failed_since(
    zone: UploadFolder,
) -> None:
    zone.declare(column("id", "integer", primaryKey=True), write_disposition="append")
    zone.put("jan.csv", "id", 7, age=30)
    assert zone.state() == "loaded"
    zone.put("feb.csv", "id", 7, 8, age=20)
    with pytest.raises(LoadError, match=r"feb\.csv punya baris yang kuncinya juga dipakai"):
        zone.ingest()
    # A load that the zone's server broke off says nothing about the file.
    zone.loads.connection.execute(
        "insert into ops.load_batch (dataset, run_id, state, source_name, code, finished_at)"
        " values (%s, 'uji', 'failed', 'feb.csv', 'GDK-F019', clock_timestamp())",
        [zone.contract.key],
    )
    zone.put("rusak.csv", "id", '"1', age=10)
    with pytest.raises(SourceError, match=r"rusak\.csv: baris 2: tanda kutip"):
        zone.ingest()
    zone.put("jan.csv", "id", 9, age=0)
    done = zone.ingest()
    assert done.batch is not None and done.batch.state == "loaded"
    assert done.batch.warnings[-1] == "sudah gagal sebelumnya dan belum diperbaiki: rusak.csv"
    assert zone.rows() == [(7,), (8,), (9,)]


def test_a_file_replaced_after_it_was_registered_is_judged_as_what_was_read(
    zone: UploadFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the content that nobody loaded would count as loaded, and the other would be due for ever."""
    zone.put("jan.csv", "nilai", 1, age=30)

    def replace_and_open(*args: Any, **more: Any) -> SourceStream | None:
        zone.put("jan.csv", "nilai", 2, age=0)
        return open_source(*args, **more)

    monkeypatch.setattr(loads, "open_source", replace_and_open)
    assert zone.state() == "loaded" and zone.rows() == [("jan.csv", 2)]
    seen = zone.loads.run("select sha256, outcome from ops.upload_seen order by seen_id")
    contents = [hashlib.sha256(f"nilai\n{n}\n".encode()).hexdigest() for n in (1, 2)]
    assert seen == list(zip(contents, (None, "loaded"), strict=True))


def test_a_rejected_file_is_reported_although_another_is_loaded(zone: UploadFolder) -> None:
    zone.put("jan.csv", "nilai", 1, age=30)
    zone.put("feb.csv", "nilai", "dua", age=20)
    done = zone.ingest()
    assert done.batch is not None and done.batch.state == "rejected"
    assert [c.name for c in done.checks if not c.passed] == ["karantina", "ada_baris"]
    assert zone.rows() == [("jan.csv", 1)]


def test_a_full_refresh_loads_only_the_files_that_are_there_now(zone: UploadFolder) -> None:
    zone.put("jan.csv", "nilai", 1, age=30)
    zone.put("feb.csv", "nilai", 2, age=20)
    zone.ingest()
    (zone.folder / "jan.csv").unlink()
    zone.put("mar.csv", "nilai", 3, age=10)
    zone.ingest()
    assert len(zone.rows()) == 3
    zone.ingest(full_refresh=True)
    assert zone.rows() == [("feb.csv", 2), ("mar.csv", 3)]


def test_a_full_refresh_with_a_broken_file_keeps_raw(zone: UploadFolder) -> None:
    zone.put("jan.csv", "nilai", 1, age=30)
    zone.put("feb.csv", "nilai", 2, age=20)
    zone.ingest()
    before = zone.rows()
    for broken in ('"1', "satu"):  # the first cannot be read, the second is rejected
        for name, age in (("jan.csv", 30), ("feb.csv", 20)):
            zone.put(name, "nilai", broken, age=age)
            if broken == "satu":
                done = zone.ingest(full_refresh=True)
                assert done.batch is not None and done.batch.state == "rejected"
            else:
                with pytest.raises(SourceError, match=name):
                    zone.ingest(full_refresh=True)
            assert zone.rows() == before
            zone.put(name, "nilai", 1 if name == "jan.csv" else 2, age=age)
    assert zone.loads.run("select count(*) from pg_class where relnamespace = 'landing'::regnamespace") == [
        (0,)
    ]
    done = zone.ingest(full_refresh=True)
    assert done.batch is not None and done.batch.loaded >= 1 and zone.rows() == before
