"""A file that was refused is tried again when it, or its contract, was corrected, and not before."""

from __future__ import annotations

import os

import pytest

from pipelines.errors import SourceError
from pipelines.ingest import Ingested, ingest
from tests.support.upload_zone import BROKEN, ROWS, A, Zone


@pytest.mark.parametrize("disposition", ["replace", "append"])
def test_after_three_killed_runs_a_file_is_not_tried_again(zone: Zone, disposition: str) -> None:
    zone.declare(write_disposition=disposition)
    zone.put(A)
    (first,) = zone.tick_twice()
    zone.kill(first)
    assert zone.tick_twice() == []
    assert "pasar.csv dicoba lagi sebentar lagi" in zone.skip_message
    zone.wait(retry_wait=0)
    (second,) = zone.tick_twice()
    assert second.run_key != first.run_key
    zone.kill(second)
    (third,) = zone.tick_twice()
    zone.kill(third)
    assert zone.tick_twice() == []
    assert (
        "3 run berakhir sebelum pasar.csv dinilai" in zone.skip_message
        and "letakkan lagi" in zone.skip_message
    )
    zone.put(A)
    assert zone.load_all() == 1 and zone.rows() == ROWS[A]


def test_a_refused_file_is_tried_again_only_when_it_is_put_again(zone: Zone) -> None:
    zone.put(BROKEN)
    (request,) = zone.tick_twice()
    assert not zone.run(request)
    assert zone.tick_twice() == []
    assert "dagang/pasar/pasar.csv: gagal dimuat; perbaiki lalu letakkan lagi" in zone.skip_message
    os.utime(zone.folder / "pasar.csv")  # the same content, put again
    (again,) = zone.tick_twice()
    assert again.run_key != request.run_key and not zone.run(again)
    assert zone.tick_twice() == []
    zone.put(b"id,nama\n1,\n")
    assert zone.load_all() == 1 and zone.rows() == [(1, None)]


def test_a_file_that_deletes_too_many_rows_is_refused_once(zone: Zone) -> None:
    zone.put(A + b"".join(f"{n},x\n".encode() for n in range(2, 60)))
    assert zone.load_all() == 1
    zone.put(A)
    assert zone.load_all() == 1 and len(zone.rows()) == 59
    assert "dagang/pasar/pasar.csv: gagal dimuat; perbaiki lalu letakkan lagi" in zone.skip_message


def test_a_file_with_the_key_of_another_is_refused_once_and_keeps_no_other_from_loading(
    appending: Zone,
) -> None:
    """Another try would meet the same rows again."""
    appending.put(A, "satu.csv", own_time=1_700_000_000)
    appending.put(A.replace(b"Pagi", b"Sore"), "dua.csv")
    assert appending.load_all() == 1 and appending.rows() == ROWS[A]
    assert appending.tick_twice() == []
    assert "dagang/pasar/dua.csv: gagal dimuat; perbaiki lalu letakkan lagi" in appending.skip_message
    appending.put(A.replace(b"1", b"9"), "lain.csv")
    (request,) = appending.tick_twice()
    assert appending.run(request) and appending.tick_twice() == []


def test_a_copy_whose_original_was_corrected_is_not_loaded_over_it(appending: Zone) -> None:
    appending.put(A, "satu.csv")
    assert appending.load_all() == 1
    appending.put(A, "salinan.csv")
    assert appending.load_all() == 0
    appending.put(A.replace(b"Pagi", b"Sore"), "satu.csv")
    appending.load_all()
    assert appending.tick_twice() == [] and appending.rows() == [(1, "Pasar Sore")]
    (left,) = appending.skip_message.splitlines()[1:]
    assert left.startswith("dagang/pasar/salinan.csv: ") and left.endswith(", atau ubah kontraknya")
    assert "gagal dimuat" in left


def test_many_broken_files_are_one_line_and_cost_the_next_load_one_attempt(appending: Zone) -> None:
    for number in range(8):
        appending.put(BROKEN + bytes([65 + number]), f"{number}.csv", own_time=1_700_000_000 + number)
    assert appending.load_all() == 1 and appending.tick_twice() == []
    line = "dagang/pasar: 8 berkas gagal dimuat (0.csv, 1.csv, 2.csv, 3.csv, 4.csv dan 3 lagi); perbaiki lalu"
    assert [found for found in appending.skip_message.splitlines() if found.startswith(line)]
    appending.put(A, "baik.csv")
    (request,) = appending.tick_twice()
    assert appending.run(request) and appending.rows() == ROWS[A]
    with pytest.raises(SourceError) as failed:
        ingest(appending.connection, appending.contract, appending.settings, appending.url, run_id="malam")
    assert failed.value.message.startswith("8 dari 8 berkas gagal: 7.csv: ")
    assert failed.value.message.endswith("belum diperbaiki: 0.csv, 1.csv, 2.csv, 3.csv, 4.csv, 5.csv, 6.csv")
    attempts = "select source_name, count(*) from ops.load_batch where state = 'failed' group by 1 having count(*) > 1"
    assert appending.connection.execute(attempts).fetchall() == [("7.csv", 3)]


def test_a_file_that_failed_before_is_a_warning_of_the_load_of_a_good_one(appending: Zone) -> None:
    appending.put(BROKEN, "lama.csv")
    assert appending.load_all() == 1

    def load() -> Ingested:
        z = appending
        return ingest(z.connection, z.contract, z.settings, z.url, run_id="uji")

    appending.put(A, "baik.csv")
    done = load()
    assert done.batch and done.batch.state == "loaded"
    assert done.batch.warnings[-1] == "sudah gagal sebelumnya dan belum diperbaiki: lama.csv"
    with pytest.raises(SourceError):
        load()  # nothing else came
    appending.put(b"id,nama\nsatu,Pasar\n", "tolak.csv")
    refused = load()
    assert refused.batch and refused.batch.state == "rejected"
    appending.put(A.replace(b"1", b"9"), "baik_pula.csv")
    done = load()
    assert done.batch and done.batch.state == "loaded"
    assert done.batch.warnings[-1].endswith("belum diperbaiki: lama.csv, tolak.csv")
    appending.put(BROKEN + b"x", "baru.csv")
    appending.put(A.replace(b"1", b"7"), "baik_lagi.csv")
    with pytest.raises(SourceError, match=r"baru\.csv"):
        load()


def test_a_corrected_contract_loads_the_file_refused_before(zone: Zone) -> None:
    zone.put(b"id;nama\n1;Pasar Pagi\n")
    assert zone.load_all() == 1
    assert zone.tick_twice() == [] and "gagal dimuat" in zone.skip_message
    zone.declare(extract={"format": "csv", "pattern": "*.csv", "delimiter": ";"})
    assert zone.load_all() == 1 and zone.rows() == ROWS[A]
