"""A source that has persons where the names of its columns should be.

No name is printed or kept, and what is wrong can still be found. A new key of an API stops a frozen contract's load.
"""

from __future__ import annotations

import io
import logging
import traceback
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import GudangError, ShapeError
from pipelines.extract.upload.zone import upload_zone
from pipelines.ingest import Ingested, ingest
from pipelines.settings import Settings
from tests.support.contracts import api, column, upload
from tests.support.http_server import Server, reply
from tests.support.loads import Loads

NIK, NAME = "6472010101900001", "BUDI SANTOSO"
PERSONAL = [
    column("nik", primaryKey=True, classification="pribadi", pseudonymise="warga"),
    column("nama", classification="pribadi", pseudonymise="warga"),
    column("nilai", "integer"),
]
OPEN = [column("nik", primaryKey=True), column("nama"), column("nilai", "integer")]


class House:
    def __init__(self, warehouse_url: str, folder: Path) -> None:
        self.loads = Loads(warehouse_url, folder)
        self.settings = Settings(folder / "home", folder, self.loads.url)

    def put(self, key: str, name: str, content: bytes | str) -> None:
        path = upload_zone(self.settings) / key / name  # type: ignore[operator]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def contract(self, key: str, kind: str, columns: list[dict[str, Any]], **extract: Any) -> Contract:
        how = {"format": kind, "pattern": "*", **extract}
        return self.loads.contract(*columns, key=key, server=upload(key, kind), extract=how)

    def ingest(self, contract: Contract) -> Ingested:
        return ingest(self.loads.connection, contract, self.settings, self.loads.url, run_id="uji")

    def kept(self) -> str:
        """All that the ledger's schema holds, as text."""
        tables = self.loads.run("select tablename from pg_tables where schemaname = 'ops'")
        return "\n".join(
            str(self.loads.run(f"select t::text from ops.{name} t"))  # noqa: S608
            for (name,) in tables
        )


@pytest.fixture
def house(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 40)
    made = House(warehouse_url, tmp_path)
    monkeypatch.setenv("UJI_URL", made.loads.url)
    yield made
    made.loads.connection.close()


def _workbook(title: str = "Data") -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = book.active
    sheet.title = title
    sheet.append([NIK, NAME, 5])
    sheet.append(["6472010101900002", "SITI", 6])
    book.save(file)
    return file.getvalue()


def _zip(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "x")
    return file.getvalue()


def _damaged(name: str) -> bytes:
    """The member is found, and what it holds breaks off."""
    whole = bytearray(_zip(name))
    at = whole.index(name.encode()) + len(name)
    whole[at] ^= 0xFF
    return bytes(whole)


CASES: dict[str, tuple[str, bytes | str, dict[str, Any], str]] = {
    "no header": ("csv", f"{NIK},{NAME},5\n6472,SITI,6\n", {}, "kolom ke-1, kolom ke-2"),
    "no header in a workbook": ("xlsx", _workbook(), {}, "kolom ke-1, kolom ke-2, kolom ke-3"),
    "header_row off by one": ("csv", f"nik,nama,nilai\n{NIK},{NAME},5\n", {"header_row": 2}, "kolom ke-1"),
    "one column too many": ("csv", f"nik,nama,nilai,{NAME}\n1,a,5,x\n", {}, "tidak dikenal .*kolom ke-4"),
    "a name twice": ("csv", f"nik,nama,nilai,{NAME},{NAME}\n1,a,5,x,y\n", {}, "ganda .*kolom ke-5"),
    "auto": (
        "csv",
        f"{NIK};{NAME};5\n1;SITI;6\n",
        {"delimiter": "auto", "quote": "auto"},
        "tidak ada pemisah",
    ),
    "keys of a file": (
        "json",
        f'[{{"{NIK}": 1, "{NAME}": {{"x": 2}}}}]',
        {},
        "2 nama yang tidak ditampilkan",
    ),
    "a sheet": ("xlsx", _workbook(NAME), {"sheet": "Data"}, "yang ada: 1 lembar"),
    "sheets": ("xlsx", _workbook(NAME), {"sheets": "*"}, "lembar 1 baris 1"),
    "a member": ("csv", _zip(f"{NAME}.txt"), {"member": "*.csv"}, "isinya: 1 berkas"),
    "a damaged member": ("csv", _damaged(f"{NAME}.csv"), {"member": "*.csv"}, "rusak atau terpotong"),
}


@pytest.mark.parametrize("case", CASES)
def test_persons_where_names_should_be_are_told_by_place_and_kept_nowhere(
    house: House, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    kind, content, extract, words = CASES[case]
    caplog.set_level(logging.DEBUG)
    for key, columns, told in (("uji/warga", PERSONAL, False), ("uji/umum", OPEN, case != "auto")):
        house.put(key, f"berkas.{kind}", content)
        with pytest.raises(GudangError) as caught:
            house.ingest(house.contract(key, kind, columns, **extract))
        everywhere = "".join(traceback.format_exception(caught.value)) + house.kept() + caplog.text
        assert (NAME in everywhere) is told and NIK not in everywhere
        if not told:
            assert caught.match(words)


def test_a_new_column_that_is_named_as_a_nik_is_told_and_kept_by_no_name_in_any_contract(
    house: House,
) -> None:
    house.loads.run("create table public.umum (nik text, nama text, nilai int)")
    house.loads.run("insert into public.umum values ('1', 'a', 5)")
    made = house.loads.contract(*OPEN, key="uji/terbuka", extract={"table": "umum"})
    house.ingest(made)
    house.loads.run(f'alter table public.umum add "{NIK}" int, add kode text')
    with pytest.raises(ShapeError, match=r"\*\*\* .*kode") as caught:
        house.ingest(made)
    everywhere = "".join(traceback.format_exception(caught.value)) + house.kept()
    assert NIK not in everywhere and "kode" in everywhere


def test_a_database_tells_new_columns_by_place_and_remembers_no_name(house: House) -> None:
    house.loads.run(f'create table public.orang (nik text, nama text, nilai int, "{NAME}" int)')
    house.loads.run("insert into public.orang values ('1', 'a', 5, 6)")
    made = house.loads.contract(*PERSONAL, key="uji/orang", extract={"table": "orang"})
    house.ingest(made)
    house.loads.run("alter table public.orang add lain text")
    with pytest.raises(ShapeError, match=r"kolom baru ke-5 \(text\)"):
        house.ingest(made)
    house.loads.run("alter table public.orang drop lain")
    house.ingest(made)
    house.loads.run("alter table public.orang drop nama")
    with pytest.raises(
        ShapeError, match=r"tidak punya kolom nama; yang ada tetapi tidak dikenal kontrak: kolom ke-3"
    ):
        house.ingest(made)
    assert NAME not in house.kept() and "lain" not in house.kept().replace("dari lain", "")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


def _api(
    house: House, server: Server, columns: list[dict[str, Any]], monkeypatch: Any, **custom: Any
) -> Contract:
    monkeypatch.setenv("API_URL", server.url)
    extract = {"path": "/v1/data", "records": "/data"}
    return house.loads.contract(*columns, key="uji/api", server=api("API_URL"), extract=extract, **custom)


def test_an_api_that_keys_by_person_is_told_by_count(
    house: House, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = _api(house, server, PERSONAL, monkeypatch)
    twice = f'{{"data": [{{"nik": "1", "nama": "a", "nilai": 5, "{NIK}": 1, "{NIK}": 2}}]}}'.encode()
    for answer in (
        reply({"data": {NIK: {"nama": NAME}}, NIK: 1}),
        reply({NIK: {"nama": NAME}}),
        reply({"data": [{NIK: 1}]}),
        type(reply({}))(twice, headers={"Content-Type": "application/json"}),
    ):
        server.answer = lambda _, answer=answer: answer
        with pytest.raises(GudangError) as caught:
            house.ingest(made)
        assert NIK not in "".join(traceback.format_exception(caught.value))
    server.answer = lambda _: reply({"data": [{"nik": "1", "nama": "a", "nilai": 5, NIK: 1}]})
    done = house.ingest(made)
    assert done.batch is not None and "1 nama yang tidak ditampilkan" in "".join(done.batch.warnings)
    assert NIK not in house.kept() + caplog.text


@pytest.mark.parametrize("columns", [OPEN, PERSONAL])
def test_a_key_that_an_api_never_had_stops_what_freezes_and_one_that_it_once_had_does_not(
    house: House, server: Server, monkeypatch: pytest.MonkeyPatch, columns: list[dict[str, Any]]
) -> None:
    row: dict[str, Any] = {"nik": "1", "nama": "a", "nilai": 5}
    made = _api(house, server, columns, monkeypatch)
    for more in ({"catatan": "x"}, {}, {"catatan": "y"}):
        server.answer = lambda _, more=more: reply({"data": [row | more]})
        house.ingest(made)
    server.answer = lambda _: reply({"data": [row | {"nilai": 6, "alamat": "x"}]})
    name = "alamat" if columns is OPEN else "ke-4"
    with pytest.raises(ShapeError, match=f"kolom baru {name}"):
        house.ingest(made)
    assert house.loads.run("select nilai from raw.uji__api") == [(5,)]
    check = "select passed, severity from ops.check_result where check_name = 'bentuk_sumber' order by at desc limit 1"
    assert house.loads.run(check) == [(False, "error")]
    assert house.loads.run("select kind, column_name from ops.schema_drift") == [("added", name)]
    evolving = _api(house, server, OPEN, monkeypatch, schema_contract="evolve")
    if columns is OPEN:
        done = house.ingest(evolving)
        assert done.batch is not None and done.batch.state == "loaded"
