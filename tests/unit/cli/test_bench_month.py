"""`gudang bench month`: its clock, and what it says of files and of memory."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.month.account import account, waiting
from benchmarks.month.clock import Clock
from benchmarks.month.files import ROWS, Put
from benchmarks.month.memory import EVERY_S, Sample, growth
from benchmarks.month.report import Month, show

JUMPING = """
import os, sys, time
from threading import Event
file = sys.argv[1]
open(file, "w").close()
written, begun = os.stat(file).st_mtime, time.monotonic()
print(abs(written - time.time()) < 60, flush=True)
sys.stdin.readline()
Event().wait(0.2)
print(time.time() - written > 86_000, os.stat(file).st_mtime == written, time.monotonic() - begun < 60)
"""


def put(number: int, kind: str = "good", dataset: str = "tambah_csv", name: str = "", sha: str = "") -> Put:
    ids = tuple(number * 1000 + n for n in range(ROWS))
    return Put(
        number, f"uji/{dataset}", name or f"{number}.csv", kind, sha or f"sha-{number}", float(number), ids
    )


def rows(*puts: Put) -> list[tuple[int, str]]:
    return [(i, p.mark) for p in puts for i in p.ids]


@pytest.mark.skipif(Clock.missing() is not None, reason="no C compiler")
def test_the_clock_jumps_and_files_stay_as_old_as_they_are(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    command = [sys.executable, "-c", JUMPING, str(tmp_path / "berkas")]
    with subprocess.Popen(
        command, env=os.environ | clock.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "True\n"
        before = clock.now()
        clock.advance(timedelta(days=1))
        out, _ = process.communicate("\n", timeout=60)
    assert out == "True True True\n"
    assert clock.now() - before >= timedelta(days=1)
    assert clock.machine_time(clock.now()) == pytest.approx(clock.machine_time(before), abs=60)


def test_a_file_that_nobody_has_judged_is_lost_or_waits() -> None:
    puts = [put(1), put(2), put(3, "missing_column"), put(4, "wrong_name", name="4.csv.docx")]
    seen = [("uji/tambah_csv", "1.csv", "sha-1", "loaded"), ("uji/tambah_csv", "3.csv", "sha-3", "failed")]
    left = {"uji/tambah_csv/4.csv.docx": "nama tidak cocok"}
    found = account(puts, seen, left, {"tambah_csv": rows(puts[0], puts[1])})
    assert found.faults == ["uji/tambah_csv/2.csv (good, file 2) is lost"]
    assert found.states["missing_column"] == {"failed": 1} and found.states["wrong_name"] == {"left": 1}
    assert waiting(puts, seen) == ["uji/tambah_csv/2.csv"]


def test_a_broken_file_that_was_loaded_is_a_fault() -> None:
    puts = [put(1, "missing_column")]
    seen = [("uji/tambah_csv", "1.csv", "sha-1", "loaded")]
    assert account(puts, seen, {}, {}).faults == ["uji/tambah_csv/1.csv (missing_column, file 1) is loaded"]


def test_rows_that_are_missing_doubled_or_of_an_older_file_are_faults() -> None:
    first = put(1)
    corrected = Put(2, "uji/tambah_csv", "1.csv", "corrected", "sha-2", 2.0, first.ids)
    other = put(3)
    seen = [(p.dataset, p.name, p.sha256, "loaded") for p in (first, corrected, other)]
    good = rows(corrected, other)
    assert account([first, corrected, other], seen, {}, {"tambah_csv": good}).faults == []
    bad = [*rows(first), *rows(other)[1:], rows(other)[-1]]
    faults = account([first, corrected, other], seen, {}, {"tambah_csv": bad}).faults
    assert [fault.split(": ")[1].split(",")[0] for fault in faults] == [
        f"id {other.ids[-1]} stands 2 times",
        "1 rows of good files are not in raw",
        f"{ROWS} rows are of an older file",
    ]


def test_only_the_newest_of_files_that_replace_each_other_has_to_be_judged() -> None:
    puts = [put(1, dataset="ganti_csv"), put(2, dataset="ganti_csv")]
    seen = [("uji/ganti_csv", "2.csv", "sha-2", "loaded")]
    found = account(puts, seen, {}, {"ganti_csv": rows(puts[1])})
    assert found.faults == [] and found.states["good"] == {"replaced": 1, "loaded": 1}
    assert waiting(puts, []) == ["uji/ganti_csv/2.csv"]


def life(pid: int, begin: float, megabytes: list[float]) -> list[Sample]:
    return [Sample(begin + EVERY_S * n, "daemon", (pid,), mb) for n, mb in enumerate(megabytes)]


def test_keys_that_two_files_have_need_one_that_is_loaded_unless_files_replace_each_other() -> None:
    def pair(dataset: str) -> list[Put]:
        first = put(1, dataset=dataset)
        return [first, Put(2, first.dataset, "salinan.csv", "corrected", "sha-2", 2.0, first.ids)]

    adding, replacing = pair("tambah_csv"), pair("ganti_csv")
    refused = [(p.dataset, p.name, p.sha256, "failed") for p in adding]
    assert "uji/tambah_csv: no file with the keys from 1000 is loaded" in (
        account(adding, refused, {}, {}).faults
    )
    one = [
        (p.dataset, p.name, p.sha256, state) for p, state in zip(adding, ("loaded", "failed"), strict=True)
    ]
    assert account(adding, one, {}, {}).faults == []
    newest = put(3, dataset="ganti_csv")
    seen = [(newest.dataset, newest.name, newest.sha256, "loaded")]
    assert account([*replacing, newest], seen, {}, {"ganti_csv": rows(newest)}).faults == []


def test_memory_is_judged_in_the_longest_life_after_its_warm_up() -> None:
    warming = [10.0 * n for n in range(12)]
    killed, longest = (
        life(1, 0, [900.0] * 20),
        life(2, 500, [*warming, *[100.0] * 4, *[130.0] * 4, *[150.0] * 4]),
    )
    found = growth([*killed, *longest], "daemon")
    assert found is not None
    assert (found.first, found.last, found.share) == (100.0, 150.0, pytest.approx(0.5))
    assert growth(killed, "daemon") is None and growth([], "daemon") is None


def test_a_month_that_ended_early_is_no_good_one() -> None:
    month = Month({"nights": 3})
    assert month.wrong() == ["the month ended early: no file was accounted for"]
    month.is_finished = True
    assert month.wrong() == [] and "nothing lost" in list(show(month))[-1]
    month.ticks = {"schedule malam": [70.0], "sensor unggahan_baru": [1.0, 50.0]}
    assert month.wrong() == ["a tick of the sensor unggahan_baru took 50 s"]
