"""Uploads inside a ZIP or .gz: the one member, and what is refused: bombs, tricks with paths, locks, damage."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.contracts.model import Contract
from pipelines.extract.upload.limits import LIMITS, Limits
from tests.support.extracts import upload_contract as contract
from tests.support.uploads import opened, read, refusal, refused, workbook, write

CSV = b"a,b\n1,2\n"
AB = contract("a", "b", member="*.csv")


def packed(folder: Path, *members: tuple[str | zipfile.ZipInfo, bytes], name: str = "data.zip") -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as target:
        for member, content in members:
            target.writestr(member, content)
    return folder / name


def parquet() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": [1], "b": [2]}), buffer)
    return buffer.getvalue()


def test_the_member_is_found_in_whatever_folder_and_case(tmp_path: Path) -> None:
    path = packed(tmp_path, ("Baca dulu.txt", b"x"), ("Data 2024/ISI.CSV", CSV), ("__MACOSX/._ISI.csv", b"x"))
    stream = opened(AB, path)
    assert read(stream) == [["1", "2", "baris 2"]]
    assert stream.name == "data.zip"


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json", "ndjson", "parquet"])
def test_every_kind_of_file_is_read_inside_a_zip(tmp_path: Path, kind: str) -> None:
    content = {
        "csv": CSV,
        "xlsx": workbook(tmp_path, ["a", "b"], [1, 2]).read_bytes(),
        "json": json.dumps([{"a": 1, "b": 2}]).encode(),
        "ndjson": b'{"a":1,"b":2}\n',
        "parquet": parquet(),
    }[kind]
    of = contract("a", "b", file_format=kind, member=f"*.{kind}")
    ((a, b, _),) = read(opened(of, packed(tmp_path, (f"isi.{kind}", content))))
    assert (a, b) == ("1", "2")


@pytest.mark.parametrize(
    ("kind", "text"), [("csv", CSV), ("json", b'[{"a":1,"b":2}]'), ("ndjson", b'{"a":1,"b":2}')]
)
def test_text_kinds_may_be_gzipped(tmp_path: Path, kind: str, text: bytes) -> None:
    stream = opened(
        contract("a", "b", file_format=kind), write(tmp_path, gzip.compress(text), f"data.{kind}.gz")
    )
    assert read(stream)[0][:2] == ["1", "2"]


def test_the_same_file_can_be_gzipped_inside_a_zip(tmp_path: Path) -> None:
    of = contract("a", "b", member="*.csv.gz")
    assert len(read(opened(of, packed(tmp_path, ("x.csv.gz", gzip.compress(CSV)))))) == 1


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (("x.txt",), "tidak ada berkas di dalam ZIP yang cocok dengan '*.csv'; isinya: 'x.txt'"),
        ((), "tidak ada berkas di dalam ZIP yang cocok dengan '*.csv'; isinya: tidak ada"),
        (("a.csv", "b/c.csv"), "2 berkas di dalam ZIP cocok dengan '*.csv': 'a.csv', 'b/c.csv'"),
        (("../x.csv",), "'../x.csv', jalur atau tautan yang menuju ke luar"),
        (("data/../../x.csv",), "menuju ke luar"),
        (("/etc/x.csv",), "menuju ke luar"),
        (("..\\x.csv",), "menuju ke luar"),
        (("C:\\x.csv",), "menuju ke luar"),
        (("x.csv", "/etc/passwd"), "menuju ke luar"),
    ],
)
def test_none_or_several_members_or_tricks_with_paths_are_refused(
    tmp_path: Path, members: tuple[str, ...], words: str
) -> None:
    assert words in refused(AB, packed(tmp_path, *((name, CSV) for name in members))).message


def test_a_member_that_is_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("x.csv")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "menuju ke luar" in refused(AB, packed(tmp_path, (link, b"/etc/passwd"))).message


def test_a_zip_inside_a_zip_is_not_opened(tmp_path: Path) -> None:
    inner = packed(tmp_path, ("x.csv", CSV), name="inner.zip").read_bytes()
    error = refused(contract("a", "b", member="*.zip"), packed(tmp_path, ("inner.zip", inner)))
    assert "arsip ZIP" in error.message and "tidak dibuka" in str(error.hint)


def test_a_locked_member_is_told_so(tmp_path: Path) -> None:
    content = bytearray(packed(tmp_path, ("x.csv", CSV)).read_bytes())
    # Bit 0 of the flags, in the local header (offset 6) and in the directory (offset 8): APPNOTE.TXT 4.4.4.
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    assert "terkunci dengan kata sandi" in refusal(tmp_path, bytes(content), AB, "kunci.zip").message


def lying(path: Path, size: int) -> bytes:
    """The ZIP with a directory and header that say its one member has `size` bytes."""
    content = bytearray(path.read_bytes())
    told = size.to_bytes(4, "little")
    directory = content.rindex(b"PK\x01\x02")
    content[22:26] = content[directory + 24 : directory + 28] = told
    return bytes(content)


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path) -> None:
    path = packed(tmp_path, ("x.csv", b"0" * (100 << 20)))
    before = set(tmp_path.iterdir())
    assert "isinya lebih dari 250 kali ukurannya" in refused(AB, path).message
    assert set(tmp_path.iterdir()) == before


def test_a_gzip_bomb_is_stopped_too(tmp_path: Path) -> None:
    error = refusal(tmp_path, gzip.compress(b"0" * (100 << 20)), contract("a", "b"), "data.csv.gz")
    assert "isinya lebih dari 250 kali ukurannya" in error.message


def test_what_unpacks_to_more_than_the_limit_is_stopped_whatever_it_says_of_itself(
    tmp_path: Path,
) -> None:
    limits = Limits(unpacked=1 << 20)
    path = packed(tmp_path, ("x.csv", b"a,b\n" + os.urandom(1 << 20) * 2))
    assert "isinya lebih dari 1 MB" in refused(AB, path, limits).message
    assert refusal(tmp_path, lying(path, 8), AB, "bohong.zip", limits).message.count("rusak") == 1


def test_a_small_file_that_shrinks_well_is_no_bomb(tmp_path: Path) -> None:
    path = packed(tmp_path, ("x.csv", b"a,b\n" + (b"1," + b"x" * 997 + b"\n") * 10_000))
    assert path.stat().st_size * LIMITS.growth < 10_000_000
    assert len(read(opened(AB, path))) == 10_000


def test_a_zip_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = packed(tmp_path, ("x.csv", b"a,b\n" + os.urandom(3_000).hex().encode() + b",1\n")).read_bytes()
    for length in range(1, len(whole) - 1, len(whole) // 40):
        refusal(tmp_path, whole[:length], AB, "cut.zip")


def test_a_zip_with_damaged_bytes_is_refused_or_read_and_never_crashes(tmp_path: Path) -> None:
    whole = packed(tmp_path, ("x.csv", b"a,b\n" + b"1,2\n" * 200), ("y.txt", b"x" * 50)).read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        path = write(tmp_path, bytes(damaged), "damaged.zip")
        try:
            rows = read(opened(AB, path))
        except Exception as error:
            if type(error).__module__ != "pipelines.errors":
                raise
        else:
            assert len(rows) == 200


def test_a_gzip_cut_short_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b"a,b\n" + os.urandom(3_000).hex().encode() + b",1\n")
    for length in (10, 500, len(whole) - 1):
        assert (
            "rusak atau terpotong"
            in refusal(tmp_path, whole[:length], contract("a", "b"), "x.csv.gz").message
        )


def test_a_zip_that_lists_endless_members_is_refused_before_the_list_is_read(
    tmp_path: Path,
) -> None:
    path = packed(tmp_path, *((f"{i}.csv", CSV) for i in range(50)))
    assert "rusak atau terpotong" in refused(AB, path, Limits(directory=1_000)).message


@pytest.mark.parametrize(
    ("of", "content", "words", "hint"),
    [
        (AB, CSV, "bukan ZIP", "hapus member"),
        (contract("a"), b"PK\x03\x04" + b"x" * 50, "rusak atau terpotong", "nyatakan member"),
    ],
)
def test_a_zip_must_be_declared_and_be_one(
    tmp_path: Path, of: Contract, content: bytes, words: str, hint: str
) -> None:
    error = refusal(tmp_path, content, of)
    assert words in error.message and hint in str(error.hint)


def test_a_zip_that_is_not_declared_says_how_to_declare_it(tmp_path: Path) -> None:
    error = refused(contract("a", "b"), packed(tmp_path, ("x.csv", CSV)))
    assert "ini arsip ZIP, bukan berkas CSV" in error.message and "nyatakan member" in str(error.hint)
