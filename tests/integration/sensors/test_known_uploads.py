"""Of the files in the zone, those are loaded that came last, in the order in which they came."""

from __future__ import annotations

import pytest

from pipelines.ingest import ingest
from pipelines.sensors.uploads import FILE_TAG
from tests.support.loads import before_migrations
from tests.support.upload_zone import ROWS, A, B, C, Zone


@pytest.mark.parametrize("own_time", [None, 1_000_000_000, 9_000_000_000])
def test_the_last_file_is_loaded_whatever_its_mtime_and_even_if_loaded_before(
    zone: Zone, own_time: float | None
) -> None:
    """The mtime is of now, of 2001 (as `cp -p` and `sftp -p` keep it), or of 2255."""
    for content in (A, B, A):
        zone.put(content, own_time=own_time)
        assert zone.load_all() == 1
        assert zone.rows() == ROWS[content]


def test_earlier_content_under_a_new_name_is_loaded_again(zone: Zone) -> None:
    for name, content in (("z.csv", A), ("y.csv", B), ("a.csv", A)):
        zone.put(content, name, own_time=1_000_000_000)
        assert zone.load_all() == 1
        assert zone.rows() == ROWS[content]


def test_a_file_that_is_put_again_is_the_newest(zone: Zone) -> None:
    zone.put(A, "jan.csv")
    zone.load_all()
    zone.put(B, "feb.csv")
    zone.load_all()
    zone.put(A, "jan.csv")
    assert zone.load_all() == 1 and zone.rows() == ROWS[A]
    (zone.folder / "feb.csv").chmod(0o600)  # changes the file's ctime only
    assert zone.load_all() == 0


def test_a_file_dated_in_the_future_does_not_block_later_files(zone: Zone) -> None:
    zone.put(A, "2099.csv", own_time=4_000_000_000)
    assert zone.load_all() == 1
    zone.put(B, "2026.csv", own_time=1_700_000_000)
    assert zone.load_all() == 1 and zone.rows() == ROWS[B]
    assert "dagang/pasar: 2026.csv datang terakhir; 1 lainnya digantikannya" in zone.skip_message


def test_a_nightly_load_takes_the_file_that_came_last(zone: Zone) -> None:
    for name, content, time in (("2099.csv", A, 4e9), ("2001.csv", B, 1e9), ("2020.csv", C, 1.5e9)):
        zone.put(content, name, own_time=time)
        done = ingest(zone.connection, zone.contract, zone.settings, zone.url, run_id="malam")
        assert done.batch is not None and done.batch.state == "loaded"
        assert zone.rows() == ROWS[content]
    assert zone.tick_twice() == []


def test_one_run_loads_the_newest_of_many_replacing_files(zone: Zone) -> None:
    for number in range(49):
        zone.put(A + f"{number},x\n".encode(), f"{number:02}.csv", own_time=1_700_000_000 + number)
    zone.put(B, "lama.csv", own_time=1_700_001_000)
    assert zone.load_all() == 1 and zone.rows() == ROWS[B]
    assert "lama.csv datang terakhir; 49 lainnya digantikannya" in zone.skip_message


def test_one_run_loads_all_files_of_an_appending_dataset(appending: Zone) -> None:
    appending.put(A, "2024.csv", own_time=1_700_000_000)
    appending.put(C, "2023.csv", own_time=1_600_000_000)
    (request,) = appending.tick_twice()
    assert request.tags[FILE_TAG] == "2023.csv, 2024.csv"
    assert appending.run(request) and appending.rows() == ROWS[A] + ROWS[C]
    assert appending.tick_twice() == []
    cursor = len(appending.cursor or "")
    appending.put(b"id,nama\n4,x\n", "2022.csv", own_time=1_500_000_000)  # an older file that comes later
    assert appending.load_all() == 1 and appending.rows()[-1] == (4, "x")
    assert len(appending.cursor or "") == cursor
    appending.put(C + b"5,y\n", "2023.csv", own_time=1_600_000_000)  # its correction
    assert appending.load_all() == 1 and appending.rows()[-1] == (5, "y")
    assert appending.load_all() == 0


def test_files_loaded_before_ops_upload_seen_existed_start_nothing(zone: Zone) -> None:
    zone.put(A)
    zone.load_all()
    before_migrations(zone.connection)
    zone.connection.execute("drop table ops.upload_seen cascade")
    assert zone.tick_twice() == []


def test_a_file_name_that_is_not_utf8_is_loaded(zone: Zone) -> None:
    zone.put(A, b"data \xff\x1b.csv")
    assert zone.load_all() == 1 and zone.rows() == ROWS[A]
    assert zone.connection.execute("select source_name from ops.load_batch").fetchall() == [
        (r"data \xff\x1b.csv",)
    ]
