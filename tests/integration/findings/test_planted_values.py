"""Rows and files that break every rule, with planted values in personal columns. The values appear nowhere.

Each value of a personal column here holds MARK or DIGITS. All are made up. Looked at are quarantine, the schema ops, the
log, the errors with their causes, and the results of checks, which are in ops.check_result.
"""

from __future__ import annotations

import io
import logging
import traceback
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from psycopg import sql

from pipelines.errors import GudangError
from pipelines.extract.upload.files import put_upload
from pipelines.extract.upload.zone import upload_zone
from pipelines.findings.catalogue import catalogue
from pipelines.ingest import ingest
from pipelines.settings import Settings
from tests.support import every_rule
from tests.support.contracts import column, upload
from tests.support.loads import Loads

MARK, DIGITS = "PENANDA-JAYA", "7731773"
PERSONAL = {"classification": "pribadi", "pseudonymise": "warga"}
BREAKING: dict[str, Sequence[str]] = {
    "a_smallint": (MARK, DIGITS),
    "a_integer": (MARK, f"{DIGITS}{DIGITS}"),
    "a_bigint": (f"{DIGITS} {MARK}", DIGITS * 4),
    "a_numeric": (MARK, DIGITS, f"1.{DIGITS}"),
    "a_double": (MARK,),
    "a_boolean": (MARK,),
    "a_date": (MARK,),
    "a_time": (MARK,),
    "a_timestamp": (MARK, f"2025-01-01 00:00:00.{DIGITS}3"),
    "a_timestamptz": (MARK, f"2025-01-01 00:00:00.{DIGITS}3"),
    "a_klasifikasi": (MARK,),
    "a_minimum": (f"-{DIGITS}",),
    "a_maximum": (DIGITS,),
    "a_exclusive_minimum": (f"-{DIGITS}",),
    "a_exclusive_maximum": (DIGITS,),
    "a_kelipatan": (DIGITS,),
    "a_panjang": (MARK,),
    "a_pola": (f"{MARK}{DIGITS}",),
    "a_format": (MARK,),
    "a_rujukan": (MARK,),
    "a_teks": (f"7.731773{DIGITS}E+19", f"#REF! {MARK}", "#REF!"),
}
"""Cells that break a rule of their column; the failed formula in a_teks holds no value."""


@dataclass
class Office:
    """One warehouse that all tests of this module share; each dataset has its own key."""

    loads: Loads
    settings: Settings
    count: int = field(default=0)

    def contract(self, columns: list[dict[str, Any]], kind: str = "csv", **custom: Any) -> Any:
        self.count += 1
        key = f"uji/rahasia_{self.count}"
        extract = {"format": kind, "pattern": "*", **custom.pop("extract", {})}
        return self.loads.contract(*columns, key=key, server=upload(key, kind), extract=extract, **custom)

    def send(self, contract: Any, content: bytes | str, folder: Path, name: str = "kiriman.csv") -> Any:
        file = folder / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        put_upload(upload_zone(self.settings), contract.key, file)
        return ingest(self.loads.connection, contract, self.settings, self.loads.url, run_id="uji")

    def stored(self) -> str:
        """All that quarantine and the ledger hold, as text."""
        tables = self.loads.run(
            "select schemaname, tablename from pg_tables where schemaname in ('ops', 'quarantine')"
        )
        asked = [sql.SQL("select t::text from {} t").format(sql.Identifier(*table)) for table in tables]
        return "\n".join(str(self.loads.connection.execute(query).fetchall()) for query in asked)


@pytest.fixture(scope="module")
def office(module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("kantor")
    loads = Loads(module_warehouse_url, folder)
    loads.run("create table if not exists core.ref_opd (kode text)")
    yield Office(loads, Settings(folder / "home", folder, loads.url))
    loads.connection.close()


@pytest.fixture(autouse=True)
def key_of_pseudonyms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 40)


def no_planted_value_in(text: str) -> bool:
    return not [planted for planted in (MARK, DIGITS, "7.731773") if planted in text]


def rows_that_break_rules(names: Sequence[str]) -> list[list[str]]:
    """A row for each cell of BREAKING, two rows with one key, a key that is too long. a_wajib is empty in some."""
    rows: list[list[str]] = []

    def add(key: str, **cells: str) -> None:
        made = {"kunci": key, "tanggal": "2025-01-05", "a_wajib": MARK, "a_teks": MARK, **cells}
        rows.append([made.get(name, "") for name in names])

    for name, values in BREAKING.items():
        for value in values:
            add(f"k{len(rows)}", **{name: value})
    add("kosong", a_wajib="")
    add("x" * 700)
    add("ganda")
    add("ganda")
    return rows


def csv(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in [names, *rows])


def broken_rules(office: Office, dataset: str) -> set[str]:
    found = office.loads.connection.execute(
        "select distinct r->>'aturan' from quarantine.row q, jsonb_array_elements(q.reasons) r where q.dataset = %s",
        [dataset],
    ).fetchall()
    return {rule for (rule,) in found}


@pytest.mark.parametrize("share", [1.0, 0.0])
def test_no_rule_of_rows_of_a_file_shows_a_personal_value(
    office: Office, share: float, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With share 0 the load is rejected, and its error names the most common reasons."""
    caplog.set_level(logging.DEBUG)
    contract = office.contract(every_rule.columns(**PERSONAL), max_quarantine_share=share)
    names = [c.name for c in contract.stored]
    done = office.send(contract, csv(names, rows_that_break_rules(names)), tmp_path)
    assert done.batch.state == ("loaded" if share else "rejected")
    of_rows = {rule for code, e in catalogue().entries.items() if code[4] == "B" for rule in e.rules}
    assert broken_rules(office, contract.key) == of_rows - {"jendela", "periode"}
    assert no_planted_value_in(office.stored() + caplog.text + str(done))


def test_no_rule_of_a_window_shows_a_personal_value(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    contract = office.loads.contract(
        *every_rule.columns(**PERSONAL), key="uji/jendela", partition=every_rule.PARTITION
    )
    names = [c.name for c in contract.stored]
    made = {"kunci": "k", "tanggal": "2031-01-05", "a_wajib": MARK, "a_teks": MARK, "a_maximum": DIGITS}
    office.loads.load(contract, lambda *_: [[made.get(n) for n in names]], window=every_rule.WINDOW)
    assert broken_rules(office, contract.key) == {"jendela", "maximum"}
    assert no_planted_value_in(office.stored() + caplog.text)


def test_no_rule_of_a_period_in_a_file_shows_a_personal_value(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    partition = {"column": "tahun", "every": "yearly", "start": "2020-01-01"}
    columns = [column("tahun", "integer", required=True), column("nama", **PERSONAL)]
    contract = office.contract(columns, partition=partition, max_quarantine_share=1)
    rows = [["2021", MARK], [DIGITS, MARK]]  # the second row is shifted: a person's number is in the year
    assert office.send(contract, csv(["tahun", "nama"], rows), tmp_path).batch.state == "loaded"
    assert broken_rules(office, contract.key) == {"periode"}
    assert no_planted_value_in(office.stored() + caplog.text)


def workbook(*rows: Sequence[Any], title: str = "Data") -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.save(file)
    return file.getvalue()


def archive(*names: str, locked: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name in names:
            made.writestr(name, f"nik,nama\n{DIGITS},{MARK}\n")
    content = bytearray(file.getvalue())
    if locked:  # the flag of a password, in the member's header and in the directory
        content[6] |= 1
        content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


ROW = f"{DIGITS},{MARK}\n"
GOOD = f"nik,nama\n{ROW}"
NAMES = ["nik", "nama"]
FILES: dict[str, tuple[str, bytes | str, dict[str, Any]]] = {
    "GDK-F003": ("csv", archive(f"{MARK}.csv", locked=True), {"member": "*.csv"}),
    "GDK-F004": ("csv", f"<html><table><tr><td>{DIGITS}</td><td>{MARK}</td></tr></table></html>", {}),
    "GDK-F005": ("csv", f"{GOOD}{DIGITS}{MARK}", {}),
    "GDK-F007": ("csv", archive(f"{MARK}.csv", f"{DIGITS}.csv"), {"member": "*.csv"}),
    "GDK-F008": ("xlsx", workbook(NAMES, [DIGITS, MARK], title=MARK), {"sheet": "Data"}),
    "GDK-F009": ("csv", f"\n\n\n{GOOD}", {"header_row": 20}),
    "GDK-F010": ("csv", "nik,nama\n", {}),
    "GDK-F011": ("csv", f"{GOOD}{DIGITS},{MARK}\xe9\n".encode("cp1252"), {}),
    "GDK-F012": ("csv", f'{GOOD}"{DIGITS}" {MARK},"x\n', {}),
    "GDK-F013": ("csv", f"{GOOD}{DIGITS},{MARK},{MARK}\n", {}),
    "GDK-F014": ("xlsx", workbook(NAMES, [DIGITS, f'="{MARK}"&"{DIGITS}"']), {}),
    "GDK-F015": ("csv", f"{DIGITS},{MARK}\n{ROW}", {}),
    "GDK-F016": ("csv", f"nik,nama,{MARK},{MARK}\n{DIGITS},{MARK},{MARK},{MARK}\n", {}),
    "GDK-F020": ("json", f'[{{"nik": "{DIGITS}", "nama": "{MARK}"', {}),
}
"""By code: the kind of the file, its content, what `extract` says."""
WITHOUT_CELLS = {
    "GDK-F001": "an empty file has no value",
    "GDK-F002": "raised before a byte is read",
    "GDK-F006": "sizes, before a cell is read",
    "GDK-F017": "the file's size and time",
    "GDK-F018": "the name that the OPD gave the file or folder",
    "GDK-F019": "the zone, before a file is opened",
    "GDK-F021": "the sum of the errors of files, which have codes of their own",
    "GDK-F022": "the file's name and the contract's pattern",
}
"""Codes of files whose messages are made before a cell is read, or of other errors."""


def test_every_code_of_files_is_planted_or_has_no_value() -> None:
    assert set(FILES) | set(WITHOUT_CELLS) == {code for code in catalogue().entries if code[4] == "F"}


@pytest.mark.parametrize("code", FILES)
def test_no_fault_of_a_file_shows_a_personal_value(
    office: Office, code: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kind, content, extract = FILES[code]
    caplog.set_level(logging.DEBUG)
    contract = office.contract([column("nik", **PERSONAL), column("nama", **PERSONAL)], kind, extract=extract)
    with pytest.raises(GudangError) as caught:
        office.send(contract, content, tmp_path, f"kiriman.{kind}")
    assert caught.value.code == code, str(caught.value)
    assert str(caught.value).endswith(f"[{code}]")
    (ledger,) = office.loads.run(
        f"select error, code from ops.load_batch where dataset = '{contract.key}'"  # noqa: S608
    )
    assert ledger == (str(caught.value), code)
    everywhere = "".join(traceback.format_exception(caught.value)) + office.stored() + caplog.text
    assert no_planted_value_in(everywhere)


def test_planted_value_is_seen_where_nothing_hides_it(office: Office, tmp_path: Path) -> None:
    """The same rows in open columns: quarantine shows them, so the tests above look where values can be."""
    contract = office.contract(every_rule.columns(), max_quarantine_share=1.0)
    names = [c.name for c in contract.stored]
    office.send(contract, csv(names, rows_that_break_rules(names)), tmp_path)
    stored = office.stored()
    office.loads.run("truncate quarantine.row")  # for the tests that run after this one
    assert MARK in stored and DIGITS in stored
