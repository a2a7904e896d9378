"""Uploads inside a ZIP or .gz: how the member is found, and the refusal of bombs, unsafe paths, passwords and damage."""

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
from tests.support.uploads import content_error, opened, read, read_error, workbook, write

CSV = b"a,b\n1,2\n"
AB = contract("a", "b", member="*.csv")


def zip_of(folder: Path, *members: tuple[str | zipfile.ZipInfo, bytes], name: str = "data.zip") -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as target:
        for member, content in members:
            target.writestr(member, content)
    return folder / name


def parquet() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": [1], "b": [2]}), buffer)
    return buffer.getvalue()


def test_member_is_found_in_any_folder_and_case(tmp_path: Path) -> None:
    path = zip_of(tmp_path, ("Baca dulu.txt", b"x"), ("Data 2024/ISI.CSV", CSV), ("__MACOSX/._ISI.csv", b"x"))
    stream = opened(AB, path)
    assert read(stream) == [["1", "2", "baris 2"]]
    assert stream.name == "data.zip"


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json", "ndjson", "parquet"])
def test_all_kinds_of_files_are_read_inside_a_zip(tmp_path: Path, kind: str) -> None:
    content = {
        "csv": CSV,
        "xlsx": workbook(tmp_path, ["a", "b"], [1, 2]).read_bytes(),
        "json": json.dumps([{"a": 1, "b": 2}]).encode(),
        "ndjson": b'{"a":1,"b":2}\n',
        "parquet": parquet(),
    }[kind]
    of = contract("a", "b", file_format=kind, member=f"*.{kind}")
    ((a, b, _),) = read(opened(of, zip_of(tmp_path, (f"isi.{kind}", content))))
    assert (a, b) == ("1", "2")


@pytest.mark.parametrize(
    ("kind", "text"), [("csv", CSV), ("json", b'[{"a":1,"b":2}]'), ("ndjson", b'{"a":1,"b":2}')]
)
def test_gzipped_text_files_are_read(tmp_path: Path, kind: str, text: bytes) -> None:
    stream = opened(
        contract("a", "b", file_format=kind), write(tmp_path, gzip.compress(text), f"data.{kind}.gz")
    )
    assert read(stream)[0][:2] == ["1", "2"]


def test_gzipped_file_inside_a_zip_is_read(tmp_path: Path) -> None:
    of = contract("a", "b", member="*.csv.gz")
    assert len(read(opened(of, zip_of(tmp_path, ("x.csv.gz", gzip.compress(CSV)))))) == 1


@pytest.mark.parametrize(
    ("members", "message"),
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
def test_missing_or_several_members_and_unsafe_paths_are_refused(
    tmp_path: Path, members: tuple[str, ...], message: str
) -> None:
    assert message in read_error(AB, zip_of(tmp_path, *((name, CSV) for name in members))).message


def test_member_that_is_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("x.csv")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "menuju ke luar" in read_error(AB, zip_of(tmp_path, (link, b"/etc/passwd"))).message


def test_zip_inside_a_zip_is_refused(tmp_path: Path) -> None:
    inner = zip_of(tmp_path, ("x.csv", CSV), name="inner.zip").read_bytes()
    error = read_error(contract("a", "b", member="*.zip"), zip_of(tmp_path, ("inner.zip", inner)))
    assert "arsip ZIP" in error.message and "tidak dibuka" in str(error.hint)


def test_member_with_a_password_is_refused_as_such(tmp_path: Path) -> None:
    content = bytearray(zip_of(tmp_path, ("x.csv", CSV)).read_bytes())
    # Bit 0 of the flags, in the local header (offset 6) and in the directory (offset 8): APPNOTE.TXT 4.4.4.
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    assert "terkunci dengan kata sandi" in content_error(tmp_path, bytes(content), AB, "kunci.zip").message


def with_false_size(path: Path, size: int) -> bytes:
    """The ZIP, with `size` as the false size of its only member in directory and header."""
    content = bytearray(path.read_bytes())
    false = size.to_bytes(4, "little")
    directory = content.rindex(b"PK\x01\x02")
    content[22:26] = content[directory + 24 : directory + 28] = false
    return bytes(content)


def test_zip_bomb_is_stopped_during_unpacking(tmp_path: Path) -> None:
    path = zip_of(tmp_path, ("x.csv", b"0" * (100 << 20)))
    before = set(tmp_path.iterdir())
    assert "isinya lebih dari 250 kali ukurannya" in read_error(AB, path).message
    assert set(tmp_path.iterdir()) == before


def test_gzip_bomb_is_stopped_during_unpacking(tmp_path: Path) -> None:
    error = content_error(tmp_path, gzip.compress(b"0" * (100 << 20)), contract("a", "b"), "data.csv.gz")
    assert "isinya lebih dari 250 kali ukurannya" in error.message


def test_unpacking_stops_at_the_size_limit_whatever_the_stated_size(
    tmp_path: Path,
) -> None:
    limits = Limits(unpacked=1 << 20)
    path = zip_of(tmp_path, ("x.csv", b"a,b\n" + os.urandom(1 << 20) * 2))
    assert "isinya lebih dari 1 MB" in read_error(AB, path, limits).message
    assert (
        content_error(tmp_path, with_false_size(path, 8), AB, "bohong.zip", limits).message.count("rusak")
        == 1
    )


def test_small_well_compressed_file_is_read(tmp_path: Path) -> None:
    path = zip_of(tmp_path, ("x.csv", b"a,b\n" + (b"1," + b"x" * 997 + b"\n") * 10_000))
    assert path.stat().st_size * LIMITS.growth < 10_000_000
    assert len(read(opened(AB, path))) == 10_000


def test_truncated_zip_is_refused_at_any_length(tmp_path: Path) -> None:
    complete = zip_of(tmp_path, ("x.csv", b"a,b\n" + os.urandom(3_000).hex().encode() + b",1\n")).read_bytes()
    for length in range(1, len(complete) - 1, len(complete) // 40):
        content_error(tmp_path, complete[:length], AB, "cut.zip")


def test_zip_with_a_damaged_byte_is_refused_or_read_in_full(tmp_path: Path) -> None:
    sound = zip_of(tmp_path, ("x.csv", b"a,b\n" + b"1,2\n" * 200), ("y.txt", b"x" * 50)).read_bytes()
    for place in range(len(sound)):
        damaged = bytearray(sound)
        damaged[place] ^= 0x55
        path = write(tmp_path, bytes(damaged), "damaged.zip")
        try:
            rows = read(opened(AB, path))
        except Exception as error:
            if type(error).__module__ != "pipelines.errors":
                raise
        else:
            assert len(rows) == 200


def test_truncated_gzip_is_refused(tmp_path: Path) -> None:
    complete = gzip.compress(b"a,b\n" + os.urandom(3_000).hex().encode() + b",1\n")
    for length in (10, 500, len(complete) - 1):
        assert (
            "rusak atau terpotong"
            in content_error(tmp_path, complete[:length], contract("a", "b"), "x.csv.gz").message
        )


def test_zip_with_too_long_a_directory_is_refused_before_it_is_read(
    tmp_path: Path,
) -> None:
    path = zip_of(tmp_path, *((f"{i}.csv", CSV) for i in range(50)))
    assert "rusak atau terpotong" in read_error(AB, path, Limits(directory=1_000)).message


@pytest.mark.parametrize(
    ("of", "content", "message", "hint"),
    [
        (AB, CSV, "bukan ZIP", "hapus member"),
        (contract("a"), b"PK\x03\x04" + b"x" * 50, "rusak atau terpotong", "nyatakan member"),
    ],
)
def test_member_must_be_declared_for_a_zip_and_only_for_a_zip(
    tmp_path: Path, of: Contract, content: bytes, message: str, hint: str
) -> None:
    error = content_error(tmp_path, content, of)
    assert message in error.message and hint in str(error.hint)


def test_undeclared_zip_is_refused_with_what_to_declare(tmp_path: Path) -> None:
    error = read_error(contract("a", "b"), zip_of(tmp_path, ("x.csv", CSV)))
    assert "ini arsip ZIP, bukan berkas CSV" in error.message and "nyatakan member" in str(error.hint)
