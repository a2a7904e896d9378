"""Uploads that are appended: every file of the zone, each once, in its latest content; a broken one harms no other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.ingest import Ingested, ingest
from pipelines.settings import Settings
from tests.support.contracts import column, upload
from tests.support.loads import AT_ONCE, Loads


class Zone:
    def __init__(self, warehouse_url: str, folder: Path) -> None:
        self.loads = Loads(warehouse_url, folder)
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=self.loads.url)
        self.folder = folder / "home" / "unggahan" / "uji" / "data"
        self.folder.mkdir(parents=True)
        self.contract: Contract = self.loads.contract(
            column("bulan", physicalName="@file"),
            column("nilai", "integer"),
            server=upload("uji/data", "csv"),
            extract={"format": "csv", "pattern": "*.csv"},
            write_disposition="append",
            max_quarantine_share=0.4,
        )

    def put(self, name: str, *values: object, age: int) -> None:
        path = self.folder / name
        path.write_text("\n".join(["nilai", *map(str, values)]) + "\n", encoding="utf-8")
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))

    def ingest(self, *, full_refresh: bool = False) -> Ingested:
        return ingest(
            self.loads.connection,
            self.contract,
            self.settings,
            self.loads.url,
            run_id="uji",
            waits=AT_ONCE,
            full_refresh=full_refresh,
        )

    def rows(self) -> list[tuple[str, int]]:
        return self.loads.run("select bulan, nilai from raw.uji__data order by 1, 2")

    def states(self) -> list[tuple[str, str]]:
        return self.loads.run("select source_name, state from ops.load_batch order by batch_id")


@pytest.fixture
def zone(warehouse_url: str, tmp_path: Path) -> Iterator[Zone]:
    made = Zone(warehouse_url, tmp_path)
    yield made
    made.loads.connection.close()


def test_a_zone_without_files_is_no_fault(zone: Zone) -> None:
    assert zone.ingest().batch is None
    assert zone.states() == []


def test_every_file_is_loaded_once_oldest_first_and_a_correction_replaces_its_rows(zone: Zone) -> None:
    zone.put("feb.csv", 3, age=10)
    zone.put("jan.csv", 1, 2, age=20)
    done = zone.ingest()
    assert done.batch is not None and (done.batch.state, done.batch.loaded) == ("loaded", 3)
    assert zone.states() == [("jan.csv", "loaded"), ("feb.csv", "loaded")]
    again = zone.ingest()
    assert again.batch is not None and again.batch.state == "unchanged"
    zone.put("jan.csv", 1, 5, 6, age=0)
    zone.put("salinan.csv", 3, age=0)  # the bytes of feb.csv under another name
    done = zone.ingest()
    assert done.batch is not None and (done.batch.loaded, done.batch.deleted) == (2, 1)
    assert zone.rows() == [("feb.csv", 3), ("jan.csv", 1), ("jan.csv", 5), ("jan.csv", 6)]


def test_a_broken_file_is_told_of_and_the_others_are_loaded(zone: Zone) -> None:
    zone.put("jan.csv", 1, age=30)
    zone.put("feb.csv", '"2', age=20)
    zone.put("mar.csv", 3, age=10)
    with pytest.raises(SourceError, match=r"feb\.csv: baris 2: tanda kutip"):
        zone.ingest()
    assert zone.rows() == [("jan.csv", 1), ("mar.csv", 3)]
    zone.put("feb.csv", 2, age=0)
    done = zone.ingest()
    assert done.batch is not None and done.batch.loaded == 1
    assert zone.rows() == [("feb.csv", 2), ("jan.csv", 1), ("mar.csv", 3)]


def test_a_file_that_the_gate_refuses_does_not_hide_behind_those_that_pass(zone: Zone) -> None:
    zone.put("jan.csv", 1, age=30)
    zone.put("feb.csv", "dua", age=20)
    done = zone.ingest()
    assert done.batch is not None and done.batch.state == "rejected"
    assert [c.name for c in done.checks if not c.passed] == ["karantina", "ada_baris"]
    assert zone.rows() == [("jan.csv", 1)]


def test_a_full_refresh_is_the_zone_as_it_is_now(zone: Zone) -> None:
    zone.put("jan.csv", 1, age=30)
    zone.put("feb.csv", 2, age=20)
    zone.ingest()
    (zone.folder / "jan.csv").unlink()
    zone.put("mar.csv", 3, age=10)
    zone.ingest()
    assert len(zone.rows()) == 3
    zone.ingest(full_refresh=True)
    assert zone.rows() == [("feb.csv", 2), ("mar.csv", 3)]


def test_a_full_refresh_with_a_broken_file_leaves_what_was_published(zone: Zone) -> None:
    zone.put("jan.csv", 1, age=30)
    zone.put("feb.csv", 2, age=20)
    zone.ingest()
    before = zone.rows()
    for broken in ('"1', "satu"):  # one that cannot be read, one that the gate refuses
        for name, age in (("jan.csv", 30), ("feb.csv", 20)):
            zone.put(name, broken, age=age)
            if broken == "satu":
                done = zone.ingest(full_refresh=True)
                assert done.batch is not None and done.batch.state == "rejected"
            else:
                with pytest.raises(SourceError, match=name):
                    zone.ingest(full_refresh=True)
            assert zone.rows() == before
            zone.put(name, 1 if name == "jan.csv" else 2, age=age)
    assert zone.loads.run("select count(*) from pg_class where relnamespace = 'landing'::regnamespace") == [
        (0,)
    ]
    done = zone.ingest(full_refresh=True)
    assert done.batch is not None and done.batch.loaded >= 1 and zone.rows() == before
