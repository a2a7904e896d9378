"""`gudang health` lists every uploaded file that is not loaded yet, and no other file.

Not here: the other checks (test_health.py).
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.extract.upload.files import UploadedFile
from pipelines.health.limits import CRITICAL, OK, WARNING, Limit
from pipelines.health.place import Place
from tests.support.alerting import House
from tests.support.health import seen


def test_uploads_that_nobody_loads(place: Place, house: House) -> None:
    folder = house.folder / "unggahan" / "dinkes" / "kunjungan"
    folder.mkdir(parents=True)
    for name in ("baru.csv", "dilihat.csv"):
        (folder / name).write_text("a")
    house.run(
        "insert into ops.upload_seen (dataset, name, sha256, mtime, stamp) values"
        " ('dinkes/kunjungan', 'dilihat.csv', 'x', 0, 'x'), ('dinkes/lain', 'hilang.csv', 'x', 0, 'x')"
    )
    limits = replace(place.limits, backup_hours=Limit(1e9, 1e9), night_hours=Limit(1e9, 1e9))
    later = replace(place, limits=limits, now=lambda: datetime.now(UTC) + timedelta(hours=30))
    assert seen(place, "unggahan").state == OK
    found = seen(later, "unggahan")
    assert found.state == WARNING
    assert found.seen.endswith(": dinkes/kunjungan/baru.csv, dinkes/kunjungan/dilihat.csv")
    days = replace(later, now=lambda: datetime.now(UTC) + timedelta(days=30))
    assert seen(days, "unggahan").state == CRITICAL
    (folder / "dilihat.csv").unlink()
    assert seen(days, "unggahan").state == WARNING, "no contract may take what no sensor has looked at"
    (folder / "baru.csv").unlink()
    assert seen(days, "unggahan").state == OK


def seen_upload(house: House, outcome: str | None) -> Path:
    """A file of dinkes/kunjungan that was seen as it lies there, and what became of it."""
    path = house.folder / "unggahan" / "dinkes" / "kunjungan" / "data.csv"
    path.parent.mkdir(parents=True)
    path.write_text("a")
    at = path.stat()
    house.run(
        "insert into ops.upload_seen (dataset, name, sha256, mtime, stamp, outcome) values"
        " ('dinkes/kunjungan', 'data.csv', 'x', 0, %s, %s)",
        UploadedFile(path, path.name, at.st_size, at.st_mtime, at.st_ctime).stamp, outcome,
    )  # fmt: skip
    return path


def five_days_later(place: Place) -> Place:
    limits = replace(place.limits, backup_hours=Limit(1e9, 1e9), night_hours=Limit(1e9, 1e9))
    return replace(place, limits=limits, now=lambda: datetime.now(UTC) + timedelta(days=5))


def test_an_upload_whose_content_was_loaded_does_not_wait(place: Place, house: House) -> None:
    """The same content under another name gets no load of its own, so it has no outcome."""
    seen_upload(house, None)
    later = five_days_later(place)
    assert seen(later, "unggahan").state == CRITICAL
    house.run(
        "insert into ops.load_batch (dataset, run_id, state, source_name, source_fingerprint)"
        " values ('dinkes/kunjungan', 'uji', 'loaded', 'asli.csv', 'x:1')"
    )
    assert seen(later, "unggahan").state == OK


def test_an_upload_that_was_put_there_again_waits_although_its_name_was_loaded(
    place: Place, house: House
) -> None:
    path = seen_upload(house, "loaded")
    later = five_days_later(place)
    assert seen(later, "unggahan").state == OK
    path.write_text("lain")
    found = seen(later, "unggahan")
    assert (found.state, found.seen) == (
        CRITICAL,
        "1 berkas menunggu, yang tertua 5 hari: dinkes/kunjungan/data.csv",
    )


def test_a_marked_copy_stands_for_its_original(place: Place, house: House) -> None:
    folder = house.folder / "unggahan" / "dinkes" / "kunjungan"
    folder.mkdir(parents=True)
    (folder / "data.csv").write_text("a")
    time.sleep(0.02)  # the clock of the file system
    copy = folder / "data-bertanda.xlsx"
    copy.write_text("b")
    at = copy.stat()
    house.run(
        "insert into ops.upload_seen (dataset, name, sha256, mtime, stamp, outcome) values"
        " ('dinkes/kunjungan', 'data.csv', 'x', 0, %s, 'loaded')",
        UploadedFile(copy, copy.name, at.st_size, at.st_mtime, at.st_ctime).stamp,
    )
    later = five_days_later(place)
    assert seen(later, "unggahan").state == OK
    (folder / "data.csv").chmod(0o640)
    at = (folder / "data.csv").stat()
    house.run(
        "insert into ops.upload_seen (seen_id, dataset, name, sha256, mtime, stamp, outcome) overriding system value"
        " values (-1, 'dinkes/kunjungan', 'data.csv', 'y', 0, %s, 'loaded')",
        UploadedFile(folder / "data.csv", "data.csv", at.st_size, at.st_mtime, at.st_ctime).stamp,
    )
    assert seen(later, "unggahan").state == OK, "it came before the copy"
    time.sleep(0.02)
    (folder / "data.csv").write_text("c")
    assert seen(later, "unggahan").seen.endswith(": dinkes/kunjungan/data.csv")
