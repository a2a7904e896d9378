"""Sources with personal data in the names of columns, sheets, files or keys.

No such name is printed or stored, and the message still says where the fault is. A new key of an API stops the load
of a frozen contract.
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
from tests.support.http_server import Reply, Server, reply
from tests.support.loads import Loads

NIK, NAME = "6472010101900001", "BUDI SANTOSO"
PERSONAL = [
    column("nik", primaryKey=True, classification="pribadi", pseudonymise="warga"),
    column("nama", classification="pribadi", pseudonymise="warga"),
    column("nilai", "integer"),
]
OPEN = [column("nik", primaryKey=True), column("nama"), column("nilai", "integer")]


class Datasets:
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

    def stored(self) -> str:
        """All that the schema ops holds, as text."""
        tables = self.loads.run("select tablename from pg_tables where schemaname = 'ops'")
        return "\n".join(
            str(self.loads.run(f"select t::text from ops.{name} t"))  # noqa: S608
            for (name,) in tables
        )


@pytest.fixture
def datasets(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Datasets]:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 40)
    made = Datasets(warehouse_url, tmp_path)
    monkeypatch.setenv("UJI_URL", made.loads.url)
    yield made
    made.loads.connection.close()


def workbook(title: str = "Data") -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = book.active
    sheet.title = title
    sheet.append([NIK, NAME, 5])
    sheet.append(["6472010101900002", "SITI", 6])
    book.save(file)
    return file.getvalue()


def archive_of(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "x")
    return file.getvalue()


def damaged(name: str) -> bytes:
    """An archive whose member is damaged."""
    content = bytearray(archive_of(name))
    at = content.index(name.encode()) + len(name)
    content[at] ^= 0xFF
    return bytes(content)


CASES: dict[str, tuple[str, bytes | str, dict[str, Any], str]] = {
    "no header": ("csv", f"{NIK},{NAME},5\n6472,SITI,6\n", {}, "kolom ke-1, kolom ke-2"),
    "no header in a workbook": ("xlsx", workbook(), {}, "kolom ke-1, kolom ke-2, kolom ke-3"),
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
    "a sheet": ("xlsx", workbook(NAME), {"sheet": "Data"}, "yang ada: 1 lembar"),
    "sheets": ("xlsx", workbook(NAME), {"sheets": "*"}, "lembar 1 baris 1"),
    "a member": ("csv", archive_of(f"{NAME}.txt"), {"member": "*.csv"}, "isinya: 1 berkas"),
    "a damaged member": ("csv", damaged(f"{NAME}.csv"), {"member": "*.csv"}, "rusak atau terpotong"),
}


@pytest.mark.parametrize("case", CASES)
def test_personal_names_are_described_by_place_and_stored_nowhere(
    datasets: Datasets, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    kind, content, extract, message = CASES[case]
    caplog.set_level(logging.DEBUG)
    for key, columns, shown in (("uji/warga", PERSONAL, False), ("uji/umum", OPEN, case != "auto")):
        datasets.put(key, f"berkas.{kind}", content)
        with pytest.raises(GudangError) as caught:
            datasets.ingest(datasets.contract(key, kind, columns, **extract))
        everywhere = "".join(traceback.format_exception(caught.value)) + datasets.stored() + caplog.text
        assert (NAME in everywhere) is shown and NIK not in everywhere
        if not shown:
            assert caught.match(message)


def test_a_new_column_whose_name_is_a_nik_is_masked_in_every_contract(
    datasets: Datasets,
) -> None:
    datasets.loads.run("create table public.umum (nik text, nama text, nilai int)")
    datasets.loads.run("insert into public.umum values ('1', 'a', 5)")
    made = datasets.loads.contract(*OPEN, key="uji/terbuka", extract={"table": "umum"})
    datasets.ingest(made)
    datasets.loads.run(f'alter table public.umum add "{NIK}" int, add kode text')
    with pytest.raises(ShapeError, match=r"\*\*\* .*kode") as caught:
        datasets.ingest(made)
    everywhere = "".join(traceback.format_exception(caught.value)) + datasets.stored()
    assert NIK not in everywhere and "kode" in everywhere


def test_new_columns_of_a_personal_table_are_described_by_place(datasets: Datasets) -> None:
    datasets.loads.run(f'create table public.orang (nik text, nama text, nilai int, "{NAME}" int)')
    datasets.loads.run("insert into public.orang values ('1', 'a', 5, 6)")
    made = datasets.loads.contract(*PERSONAL, key="uji/orang", extract={"table": "orang"})
    datasets.ingest(made)
    datasets.loads.run("alter table public.orang add lain text")
    with pytest.raises(ShapeError, match=r"kolom baru ke-5 \(text\)"):
        datasets.ingest(made)
    datasets.loads.run("alter table public.orang drop lain")
    datasets.ingest(made)
    datasets.loads.run("alter table public.orang drop nama")
    with pytest.raises(
        ShapeError, match=r"tidak punya kolom nama; yang ada tetapi tidak dikenal kontrak: kolom ke-3"
    ):
        datasets.ingest(made)
    assert NAME not in datasets.stored() and "lain" not in datasets.stored().replace("dari lain", "")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


def api_contract(
    datasets: Datasets, server: Server, columns: list[dict[str, Any]], monkeypatch: Any, **custom: Any
) -> Contract:
    monkeypatch.setenv("API_URL", server.url)
    extract = {"path": "/v1/data", "records": "/data"}
    return datasets.loads.contract(*columns, key="uji/api", server=api("API_URL"), extract=extract, **custom)


def test_personal_keys_of_an_api_are_described_by_count(
    datasets: Datasets, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = api_contract(datasets, server, PERSONAL, monkeypatch)
    twice = f'{{"data": [{{"nik": "1", "nama": "a", "nilai": 5, "{NIK}": 1, "{NIK}": 2}}]}}'.encode()
    for answer in (
        reply({"data": {NIK: {"nama": NAME}}, NIK: 1}),
        reply({NIK: {"nama": NAME}}),
        reply({"data": [{NIK: 1}]}),
        Reply(twice, headers={"Content-Type": "application/json"}),
    ):
        server.answer = lambda _, answer=answer: answer
        with pytest.raises(GudangError) as caught:
            datasets.ingest(made)
        assert NIK not in "".join(traceback.format_exception(caught.value))
    server.answer = lambda _: reply({"data": [{"nik": "1", "nama": "a", "nilai": 5, NIK: 1}]})
    done = datasets.ingest(made)
    assert done.batch is not None and "1 nama yang tidak ditampilkan" in "".join(done.batch.warnings)
    assert NIK not in datasets.stored() + caplog.text


@pytest.mark.parametrize("columns", [OPEN, PERSONAL])
def test_a_new_key_of_an_api_stops_a_frozen_contract_but_a_known_one_does_not(
    datasets: Datasets, server: Server, monkeypatch: pytest.MonkeyPatch, columns: list[dict[str, Any]]
) -> None:
    row: dict[str, Any] = {"nik": "1", "nama": "a", "nilai": 5}
    made = api_contract(datasets, server, columns, monkeypatch)
    for more in ({"catatan": "x"}, {}, {"catatan": "y"}):
        server.answer = lambda _, more=more: reply({"data": [row | more]})
        datasets.ingest(made)
    server.answer = lambda _: reply({"data": [row | {"nilai": 6, "alamat": "x"}]})
    name = "alamat" if columns is OPEN else "ke-4"
    with pytest.raises(ShapeError, match=f"kolom baru {name}"):
        datasets.ingest(made)
    assert datasets.loads.run("select nilai from raw.uji__api") == [(5,)]
    check = "select passed, severity from ops.check_result where check_name = 'bentuk_sumber' order by at desc limit 1"
    assert datasets.loads.run(check) == [(False, "error")]
    assert datasets.loads.run("select kind, column_name from ops.schema_drift") == [("added", name)]
    evolving = api_contract(datasets, server, OPEN, monkeypatch, schema_contract="evolve")
    if columns is OPEN:
        done = datasets.ingest(evolving)
        assert done.batch is not None and done.batch.state == "loaded"
