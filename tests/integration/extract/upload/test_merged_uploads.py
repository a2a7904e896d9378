"""Uploads that are merged: every file of the zone, each once, whatever its time says; versions too."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import ContractError, SourceError
from pipelines.extract.upload.files import UploadedFile
from pipelines.extract.upload.inbox import list_uploads
from pipelines.extract.upload.zone import upload_zone
from pipelines.ingest import Ingested, ingest
from pipelines.load import arrivals
from pipelines.settings import Settings
from tests.support.contracts import column, upload
from tests.support.loads import AT_ONCE, Loads


class Zone:
    def __init__(self, warehouse_url: str, folder: Path) -> None:
        self.loads = Loads(warehouse_url, folder)
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=self.loads.url)
        self.folder = folder / "home" / "unggahan" / "uji" / "data"
        self.folder.mkdir(parents=True)
        self.contract: Contract = self.declare()

    def declare(self, *columns: str, **custom: str) -> Contract:
        more = [column(name, "date", required=True) for name in columns]
        return self.loads.contract(
            column("id", "integer", primaryKey=True),
            column("isi"),
            *more,
            server=upload("uji/data", "csv"),
            extract={"format": "csv", "pattern": "*.csv"},
            write_disposition="merge",
            **custom,
        )

    def put(self, name: str, *rows: str, age: int, header: str = "id,isi") -> None:
        path = self.folder / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
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

    def state(self) -> str:
        batch = self.ingest().batch
        assert batch is not None
        return batch.state

    def rows(self, *columns: str) -> list[tuple[object, ...]]:
        return self.loads.raw(self.contract, *(columns or ("id", "isi")))

    def listed(self) -> Sequence[UploadedFile]:
        return list_uploads(upload_zone(self.settings), self.contract).files

    def files(self) -> list[tuple[str, str]]:
        return self.loads.run(
            "select source_name, state from ops.load_batch where state <> 'unchanged' order by batch_id"
        )


@pytest.fixture
def zone(warehouse_url: str, tmp_path: Path) -> Iterator[Zone]:
    made = Zone(warehouse_url, tmp_path)
    yield made
    made.loads.connection.close()


def test_files_that_come_together_are_all_merged_oldest_first(zone: Zone) -> None:
    zone.put("feb.csv", "2,feb", "3,feb", age=10)
    zone.put("jan.csv", "1,jan", "2,jan", age=20)
    done = zone.ingest()
    assert done.batch is not None and (done.batch.state, done.batch.read) == ("loaded", 4)
    assert zone.files() == [("jan.csv", "loaded"), ("feb.csv", "loaded")]
    assert zone.rows() == [(1, "jan"), (2, "feb"), (3, "feb")]
    assert zone.state() == "unchanged"


def test_a_correction_is_merged_because_its_bytes_are_new_however_old_it_says_that_it_is(zone: Zone) -> None:
    zone.put("jan.csv", "1,jan", "2,jan", age=10)
    assert zone.state() == "loaded"
    zone.put("koreksi.csv", "1,benar", age=5_000)
    assert zone.state() == "loaded"
    assert zone.rows() == [(1, "benar"), (2, "jan")]
    assert zone.state() == "unchanged"
    zone.put("salinan.csv", "1,jan", "2,jan", age=0)  # the bytes of jan.csv under another name
    assert zone.state() == "unchanged"
    assert zone.rows() == [(1, "benar"), (2, "jan")]
    zone.put("koreksi.csv", "1,lain", age=5_000)
    assert zone.state() == "loaded"
    zone.put("koreksi.csv", "1,benar", age=5_000)  # as it was before
    assert zone.state() == "loaded"
    assert zone.rows() == [(1, "benar"), (2, "jan")]
    assert zone.state() == "unchanged"


def test_a_changed_contract_reads_the_file_that_came_last_and_none_that_it_followed(zone: Zone) -> None:
    zone.put("feb.csv", "2,feb", age=10)
    assert zone.state() == "loaded"
    zone.put("jan.csv", "1,jan", "2,jan", age=20)
    assert zone.state() == "loaded"
    path = zone.contract.path
    path.write_text(path.read_text("utf-8").replace("Kolom isi.", "Isinya."), encoding="utf-8")
    zone.ingest()
    assert zone.rows() == [(1, "jan"), (2, "jan")]
    assert zone.loads.run("select source_name from ops.load_batch order by batch_id desc limit 1") == [
        ("jan.csv",)
    ]


def test_a_broken_file_is_told_of_and_the_others_are_merged(zone: Zone) -> None:
    zone.put("jan.csv", '1,"jan', age=30)
    zone.put("feb.csv", "2,feb", age=20)
    with pytest.raises(SourceError, match=r"jan\.csv: baris 2: tanda kutip"):
        zone.ingest()
    assert zone.rows() == [(2, "feb")]
    zone.put("jan.csv", "1,jan", age=30)
    assert zone.state() == "loaded"
    assert zone.rows() == [(1, "jan"), (2, "feb")]


def test_a_file_that_is_merged_late_undoes_none_that_came_after_it(zone: Zone) -> None:
    zone.put("jan.csv", "1,jan", "2,jan", "3,jan", age=20)
    arrivals.register_files(
        zone.loads.connection, zone.contract, zone.listed()
    )  # seen first, and its load failed in passing
    held = zone.folder / "jan.csv"
    held.rename(zone.folder / "jan.csv.part")
    zone.put("feb.csv", "2,feb", "3,feb", age=10)
    zone.put("mar.csv", "3,mar", age=0)
    assert zone.state() == "loaded"
    (zone.folder / "jan.csv.part").rename(held)
    os.utime(zone.folder / "feb.csv", (1_700_000_500, 1_700_000_500))  # as it is, once more: nothing new
    assert zone.state() == "loaded"
    assert zone.rows() == [(1, "jan"), (2, "feb"), (3, "mar")]
    names = [name for name, _ in zone.files()]
    assert names == ["feb.csv", "mar.csv", "jan.csv", "feb.csv", "mar.csv"]
    assert zone.state() == "unchanged"


def test_what_a_kill_left_undone_of_a_late_file_is_done_by_the_next_load(zone: Zone) -> None:
    for name, age in (("jan.csv", 20), ("feb.csv", 10)):
        zone.put(name, "1," + name[:3], age=age)
    assert zone.state() == "loaded"
    zone.loads.run("update raw.uji__data set isi = 'jan'")
    zone.loads.run(
        "insert into ops.load_batch (dataset, source_name, source_fingerprint, state) select dataset, source_name,"
        " source_fingerprint, state from ops.load_batch where source_name = 'jan.csv'"
    )  # jan.csv was merged late, and feb.csv not again
    assert zone.state() == "loaded" and zone.rows() == [(1, "feb")]
    assert zone.state() == "unchanged"


def test_a_broken_file_that_stays_there_has_none_merged_again(zone: Zone) -> None:
    zone.put("jan.csv", '1,"jan', age=30)
    zone.put("feb.csv", "2,feb", age=20)
    for _ in range(2):
        with pytest.raises(SourceError):
            zone.ingest()
    assert [name for name, state in zone.files() if state == "loaded"] == ["feb.csv"]


def test_a_full_refresh_is_what_all_files_of_the_zone_say(zone: Zone) -> None:
    zone.put("jan.csv", "1,jan", "2,jan", age=20)
    zone.put("feb.csv", "2,feb", "3,feb", age=10)
    zone.ingest()
    (zone.folder / "jan.csv").unlink()
    zone.put("mar.csv", "4,mar", age=0)
    zone.ingest()
    assert len(zone.rows()) == 4
    zone.ingest(full_refresh=True)
    assert zone.rows() == [(2, "feb"), (3, "feb"), (4, "mar")]
    assert zone.state() == "unchanged"


def test_each_file_is_a_version_and_a_full_refresh_of_several_is_refused(zone: Zone) -> None:
    zone.contract = zone.declare("berlaku", merge_strategy="scd2", cursor="berlaku")
    header = "id,isi,berlaku"
    zone.put("feb.csv", "1,b,2024-02-01", age=10, header=header)
    zone.put("jan.csv", "1,a,2024-01-01", "2,a,2024-01-01", age=20, header=header)
    zone.ingest()
    versions = [(1, "a", False), (1, "b", True), (2, "a", True)]
    assert zone.rows("id", "isi", "is_current") == versions
    zone.put("des.csv", "1,lama,2023-12-01", age=0, header=header)  # late: an older version changes nothing
    zone.ingest()
    assert zone.rows("id", "isi", "is_current") == versions
    with pytest.raises(
        ContractError, match="3 berkas, dan muat ulang penuh akan mengakhiri dan memulai versi"
    ):
        zone.ingest(full_refresh=True)
    assert zone.rows("id", "isi", "is_current") == versions


@pytest.mark.parametrize("with_cursor", [False, True])
def test_a_file_is_merged_again_for_a_mended_list_only_where_that_undoes_nothing(
    zone: Zone, with_cursor: bool
) -> None:
    zone.loads.run("create table core.ref_isi (isi text); insert into core.ref_isi values ('lama'), ('baru')")
    zone.contract = zone.loads.contract(
        column("id", "integer", primaryKey=True),
        column("isi", relationships=[{"to": "ref_isi.isi"}]),
        column("waktu", "date", required=True),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
        write_disposition="merge",
        max_quarantine_share=0.9,
        **({"cursor": "waktu"} if with_cursor else {}),
    )
    header = "id,isi,waktu"
    zone.put("jan.csv", "1,entah,2024-01-01", "2,lama,2024-01-01", age=20, header=header)
    zone.put("feb.csv", "2,baru,2024-02-01", age=10, header=header)
    assert zone.state() == "loaded" and zone.rows("id", "isi") == [(2, "baru")]
    zone.loads.run("insert into core.ref_isi values ('entah')")
    assert zone.state() == ("loaded" if with_cursor else "unchanged")
    assert zone.rows("id", "isi") == ([(1, "entah")] if with_cursor else []) + [(2, "baru")]
    assert zone.state() == "unchanged"
    batch = zone.ingest().batch
    assert batch is not None and batch.read == 0, "once for each change"


def test_a_file_resolves_its_own_refused_rows_and_no_others(zone: Zone) -> None:
    zone.contract = zone.loads.contract(
        column("id", "integer", primaryKey=True),
        column("isi", "integer"),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
        write_disposition="merge",
        max_quarantine_share=1.0,
    )
    zone.put("jan.csv", "1,x", "2,2", age=9)
    zone.ingest()
    zone.put("feb.csv", "3,y", "4,4", age=8)
    zone.ingest()
    states = "select row_key, state from quarantine.row order by row_key"
    assert zone.loads.run(states) == [("1", "open"), ("3", "open")]
    zone.put("jan.csv", "2,2", age=7)
    zone.ingest()
    assert zone.loads.run(states) == [("1", "resolved"), ("3", "open")]
