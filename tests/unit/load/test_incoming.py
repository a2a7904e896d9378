"""Which files of the upload zone a load reads, for each policy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipelines.errors import SourceError
from pipelines.extract.upload.files import UploadedFile
from pipelines.load.arrivals import Arrival, Seen
from pipelines.load.incoming import (
    appended_files,
    files_merged_by_arrival,
    files_merged_by_cursor,
    newest_file,
    overtaken_files,
    without_known_failures,
)
from pipelines.load.ledger import fingerprint
from tests.support.statements import ID, upload_contract_of

JAN, FEB, MAR = ("jan.csv", "sha-jan"), ("feb.csv", "sha-feb"), ("mar.csv", "sha-mar")


def file(name: str, mtime: float = 0.0) -> UploadedFile:
    return UploadedFile(Path(name), name, 1, mtime)


def arrival(
    seen_id: int, content: tuple[str, str], outcome: str | None = None, mtime: float = 0.0
) -> Arrival:
    name, sha256 = content
    return Arrival(seen_id, file(name, mtime), sha256, outcome)


def names(files: Sequence[Arrival | None]) -> list[str]:
    return [a.file.name for a in files if a]


def test_only_the_newest_file_is_read_of_files_that_replace_each_other() -> None:
    incoming = newest_file(Seen((arrival(1, JAN), arrival(2, FEB))))
    assert (names(incoming.uploads), incoming.failures) == (["feb.csv"], [])


def test_unreadable_file_is_a_failure_only_if_it_may_be_the_newest() -> None:
    fault = SourceError("uji/data", "tidak terbaca")
    seen = Seen((arrival(1, JAN, mtime=10.0),), ((file("baru.csv", 20.0), fault),))
    incoming = newest_file(seen)
    assert (incoming.uploads, incoming.failures) == ([], [fault])
    older = newest_file(Seen((arrival(1, JAN, mtime=10.0),), ((file("lama.csv", 5.0), fault),)))
    assert (names(older.uploads), older.failures) == (["jan.csv"], [])


def test_appended_files_are_those_not_in_raw_or_else_the_last(tmp_path: Path) -> None:
    contract = upload_contract_of(tmp_path, ID, write_disposition="append")
    seen = [arrival(1, JAN), arrival(2, FEB), arrival(3, MAR)]
    in_raw = {fingerprint(contract, sha256) for _, sha256 in (JAN, MAR)}
    assert names(appended_files(contract, seen, in_raw=in_raw, again=set())) == ["feb.csv"]
    assert names(appended_files(contract, seen, in_raw=in_raw, again={"jan.csv"})) == ["jan.csv", "feb.csv"]
    in_raw.add(fingerprint(contract, FEB[1]))
    assert names(appended_files(contract, seen, in_raw=in_raw, again=set())) == ["mar.csv"]


def test_files_merged_by_cursor_are_the_changed_ones_or_else_the_last_merged() -> None:
    seen = [arrival(1, JAN), arrival(2, FEB), arrival(3, MAR)]
    assert names(files_merged_by_cursor(seen, {2}, [JAN, MAR], again=set())) == ["feb.csv"]
    assert names(files_merged_by_cursor(seen, set(), [MAR, FEB, JAN], again={"feb.csv"})) == ["feb.csv"]
    assert names(files_merged_by_cursor(seen, set(), [MAR, FEB, JAN], again=set())) == ["jan.csv"]
    assert names(files_merged_by_cursor(seen[:2], set(), [MAR], again=set())) == ["feb.csv"]


def test_files_without_a_cursor_are_merged_again_after_a_changed_earlier_one() -> None:
    seen = [arrival(1, JAN), arrival(2, FEB)]
    since = {"jan.csv": 1, "feb.csv": 2}
    assert names(files_merged_by_arrival(seen, {1}, [FEB], content_since=since)) == ["jan.csv", "feb.csv"]
    assert names(files_merged_by_arrival(seen, {2}, [JAN], content_since=since)) == ["feb.csv"]
    assert names(files_merged_by_arrival(seen, set(), [JAN, FEB], content_since=since)) == ["feb.csv"]


def test_file_that_was_uploaded_again_unchanged_keeps_its_place() -> None:
    seen = [arrival(2, FEB), arrival(3, JAN)]
    again = files_merged_by_arrival(seen, set(), [JAN, FEB], content_since={"jan.csv": 1, "feb.csv": 2})
    assert names(again) == ["feb.csv"]


def test_failed_file_does_not_overtake_later_files() -> None:
    merged = [FEB]
    assert overtaken_files([arrival(1, JAN), arrival(2, FEB)], {1}, merged) == {"feb.csv"}
    assert overtaken_files([arrival(1, JAN, "failed"), arrival(2, FEB)], {1}, merged) == set()
    assert overtaken_files([arrival(1, JAN), arrival(2, FEB)], set(), [FEB, JAN]) == {"feb.csv"}


def test_of_files_that_failed_before_only_the_newest_is_loaded_again() -> None:
    broken = [arrival(n, (f"{n}.csv", f"sha-{n}"), "failed") for n in (1, 2, 4)]
    new, rejected = arrival(3, JAN), arrival(5, FEB, "rejected")
    files, not_mended = without_known_failures([*broken[:2], new, broken[2], rejected])
    assert names(files) == ["jan.csv", "4.csv", "feb.csv"]
    assert names(not_mended) == ["1.csv", "2.csv"]
    assert without_known_failures([new]) == ([new], [])
