"""Questions of the upload page about files: each is answered once, and none of them keeps the others waiting."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.extract.upload.files import put_aside
from pipelines.feedback.asked_previews import (
    FORGOTTEN_S,
    MOST_TRIES,
    Asked,
    answer_all,
    ask,
    asked,
    open_questions,
)
from pipelines.load.ledger import Changes
from pipelines.warehouse.connection import connect
from tests.support.contracts import column
from tests.support.feedback import ToldOpd
from tests.support.s3_server import s3_server


@pytest.fixture
def opd(warehouse_url: str, tmp_path: Path) -> Iterator[ToldOpd]:
    made = ToldOpd(warehouse_url, tmp_path)
    yield made
    made.loads.connection.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "data.csv"
    made.write_text("kode\nA\nB\n")
    return made


def dataset(opd: ToldOpd, key: str = "uji/data", **custom: Any) -> Contract:
    return opd.dataset(key, "csv", column("kode", required=True, **custom))


def asides(opd: ToldOpd) -> list[str]:
    return sorted(path.name for path in Path(str(opd.zone)).rglob("*.pratinjau"))


def answered(opd: ToldOpd, contract: Contract, number: int) -> Asked:
    question = asked(opd.loads.connection, contract.key, number)
    assert question is not None
    return question


def test_two_sessions_answer_a_question_once(opd: ToldOpd, file: Path) -> None:
    contract = dataset(opd)
    numbers = [ask(opd.loads.connection, opd.zone, contract, file, "data.csv", "rina") for _ in range(3)]
    together, lines = threading.Barrier(2), list[str]()

    def answer() -> None:
        with connect(opd.loads.url) as connection:
            together.wait(60)
            lines.extend(answer_all(connection, [contract], opd.settings, opd.zone))

    threads = [threading.Thread(target=answer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(lines) == len(numbers)
    for number in numbers:
        found = answered(opd, contract, number).answer
        assert found is not None and (found.state, found.changes) == ("loaded", Changes(2, 0, 0, 0))
    assert asides(opd) == []


def test_a_fault_of_ours_is_tried_again_and_is_no_fault_of_the_file(
    opd: ToldOpd, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its key no person can get a pseudonym; whoever runs the program has to set it."""
    monkeypatch.delenv("GUDANG_PSEUDONYM_KEY", raising=False)
    person = dataset(opd, "uji/orang", classification="pribadi", pseudonymise="uji")
    other = dataset(opd)
    connection, contracts = opd.loads.connection, [person, other]
    first = ask(connection, opd.zone, person, file, "data.csv", "rina")
    second = ask(connection, opd.zone, other, file, "data.csv", "rina")
    lines = answer_all(connection, contracts, opd.settings, opd.zone)
    assert "belum dapat dihitung" in lines[0] and "dihitung (loaded)" in lines[1]
    assert answered(opd, person, first).answer is None and answered(opd, other, second).done_at is not None
    for _ in range(MOST_TRIES - 1):
        answer_all(connection, contracts, opd.settings, opd.zone)
    found = answered(opd, person, first).answer
    assert found is not None and found.state == "unknown"
    (fault,) = found.found
    assert f"[{fault.code}]" in found.why and fault.code.startswith("GDK-K")
    assert open_questions(connection) == [] and asides(opd) == []

    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 40)
    third = ask(connection, opd.zone, person, file, "data.csv", "rina")
    answer_all(connection, contracts, opd.settings, opd.zone)
    again = answered(opd, person, third).answer
    assert again is not None and again.state == "loaded"


def test_no_question_keeps_the_others_waiting(opd: ToldOpd, file: Path) -> None:
    broken, killer, good = (dataset(opd, key) for key in ("uji/rusak", "uji/berat", "uji/data"))
    connection, contracts = opd.loads.connection, [broken, killer, good]
    numbers = {c.key: ask(connection, opd.zone, c, file, "data.csv", "rina") for c in contracts}
    # What runs leave that were killed while they counted.
    killed = "update ops.upload_preview set tries = %s where dataset = %s"
    connection.execute(killed, [MOST_TRIES, killer.key])
    # A contract without its file format makes the program itself fail.
    known = [replace(broken, extract=None), killer, good]  # type: ignore[arg-type]
    lines = answer_all(connection, known, opd.settings, opd.zone)
    assert any("AssertionError" in line for line in lines)
    states = {c.key: answered(opd, c, numbers[c.key]).answer for c in contracts}
    assert states[broken.key] is None
    found, unknown = states[good.key], states[killer.key]
    assert found is not None and found.state == "loaded"
    assert unknown is not None and (unknown.state, unknown.found[0].code) == ("unknown", "GDK-M012")
    connection.execute("update ops.upload_preview set tries = 1 where dataset = %s", [broken.key])
    later = ask(connection, opd.zone, good, file, "data.csv", "rina")
    assert [one.preview_id for one in open_questions(connection)] == [later, numbers[broken.key]]


def test_a_contract_that_is_set_aside_may_come_back(opd: ToldOpd, file: Path) -> None:
    contract = dataset(opd)
    number = ask(opd.loads.connection, opd.zone, contract, file, "data.csv", "rina")
    (line,) = answer_all(opd.loads.connection, [], opd.settings, opd.zone)
    assert "GDK-K001" in line and answered(opd, contract, number).done_at is None
    answer_all(opd.loads.connection, [contract], opd.settings, opd.zone)
    found = answered(opd, contract, number).answer
    assert found is not None and found.state == "loaded"


def test_an_answer_is_never_overwritten(opd: ToldOpd, file: Path) -> None:
    contract = dataset(opd)
    number = ask(opd.loads.connection, opd.zone, contract, file, "data.csv", "rina")
    answer_all(opd.loads.connection, [contract], opd.settings, opd.zone)
    first = answered(opd, contract, number)
    assert answer_all(opd.loads.connection, [], opd.settings, opd.zone) == []
    assert answered(opd, contract, number) == first


def test_files_that_nobody_asks_about_are_swept(opd: ToldOpd, file: Path) -> None:
    contract = dataset(opd)
    folder = Path(str(opd.zone)) / contract.key
    old, young = (put_aside(opd.zone, contract.key, file) for _ in range(2))
    (folder / ".catatan.pratinjau").write_text("milik orang lain")
    for name in (old, ".catatan.pratinjau"):
        late = (folder / young).stat().st_mtime - FORGOTTEN_S - 60
        os.utime(folder / name, (late, late))
    lines = answer_all(opd.loads.connection, [contract], opd.settings, opd.zone)
    assert lines == [f"{contract.key}: 1 berkas yang dititipkan dihapus"]
    assert asides(opd) == sorted([young, ".catatan.pratinjau"])


def test_a_question_that_cannot_be_written_leaves_no_file(opd: ToldOpd, file: Path) -> None:
    contract = dataset(opd)
    with pytest.raises(psycopg.Error):
        ask(opd.loads.connection, opd.zone, contract, file, "data\0.csv", "rina")
    assert asides(opd) == []


def test_there_is_no_question_about_a_file_that_did_not_arrive(
    opd: ToldOpd, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = dataset(opd)
    with s3_server(monkeypatch):
        monkeypatch.setenv("GUDANG_UPLOAD_ZONE", "s3://tidak-ada/unggahan")
        with pytest.raises(SourceError):
            ask(opd.loads.connection, opd.zone, contract, file, "data.csv", "rina")
    assert open_questions(opd.loads.connection) == []
