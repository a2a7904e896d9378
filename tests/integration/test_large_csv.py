"""A large CSV file: the fast way and the careful one give the same rows, and what the fast one can't read goes the
other way without a word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.contracts import Contract
from pipelines.errors import SourceError
from pipelines.extract import plain_csv
from pipelines.ingest import ingest
from pipelines.settings import Settings
from tests.support.contracts import column, upload
from tests.support.loads import Loads

ROWS = [
    f'{n},"Kel. ""{n}"", RT\n{n % 9}",{"" if n % 3 else n / 4},{"" if n % 5 else "ké 🐟"}'
    for n in range(1, 40_001)
]


def contract(loads: Loads, **extract: Any) -> Contract:
    return loads.contract(
        column("id", "integer", primaryKey=True),
        column("catatan"),
        column("nilai", "numeric(12,2)"),
        column("nama", required=False),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv", **extract},
        max_quarantine_share=0.5,
    )


def load(loads: Loads, of: Contract, text: str, encoding: str = "utf-8") -> Any:
    settings = Settings(home=loads.folder / "home", project=loads.folder, warehouse_url=loads.url)
    zone = loads.folder / "home" / "unggahan" / "uji" / "data"
    zone.mkdir(parents=True, exist_ok=True)
    (zone / "besar.csv").write_bytes(text.encode(encoding))
    done = ingest(loads.connection, of, settings, loads.url, run_id="uji")
    assert done.batch is not None
    return done.batch


def content(loads: Loads) -> list[Any]:
    return loads.run("select id, nama, nilai::text, catatan, _source_position from raw.uji__data order by id")


HEADER = "id,nama,nilai,catatan\n"


def test_both_ways_give_the_same_rows_at_the_same_places(
    loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEADER + "\n".join([*ROWS[:20], "x,salah,-,", *ROWS[20:]])
    assert len(text) > plain_csv.WORTH
    batch = load(loads, contract(loads), text)
    assert (batch.loaded, batch.quarantined) == (40_000, 1)
    fast = content(loads)
    told = loads.run("select source_position, reasons from quarantine.row")
    assert fast[0] == (1, 'Kel. "1", RT\n1', None, None, "baris 2")
    assert fast[2] == (3, 'Kel. "3", RT\n3', "0.75", None, "baris 6")
    assert told[0][0] == "baris 42"

    loads.forget(contract(loads))
    monkeypatch.setattr(plain_csv, "WORTH", 1 << 40)
    assert load(loads, contract(loads), text).loaded == 40_000
    assert content(loads) == fast
    assert loads.run("select source_position, reasons from quarantine.row") == told


@pytest.mark.parametrize(
    "odd", ["", " , ,,", '40001,"a""b\nc",1,', "40001,nul\0,1,"], ids=["blank", "no ink", "quotes", "NUL"]
)
def test_what_is_not_plain_is_read_carefully_or_told_of_exactly(loads: Loads, odd: str) -> None:
    text = HEADER + "\n".join([*ROWS, odd, "40002,akhir,1,"]) + "\n"
    if "\0" in odd:
        with pytest.raises(SourceError, match=r"besar\.csv: baris 80002: a NUL"):
            load(loads, contract(loads), text)
    else:
        assert load(loads, contract(loads), text).loaded == 40_001 + bool(odd.strip(" ,"))


def test_bytes_of_another_encoding_are_told_of_with_their_line(loads: Loads) -> None:
    with pytest.raises(SourceError, match=r"baris 11: these bytes are no utf-8"):
        load(
            loads,
            contract(loads),
            HEADER + "\n".join(r.replace("🐟", "") for r in ROWS) + "\n" + "40001,ké,,",
            "cp1252",
        )


def test_a_declared_cp1252_and_semicolons_are_fast_too(loads: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    rows = plain_csv.plain_rows

    def watched(file: Any, delimiter: str, *args: Any) -> Iterator[bytes]:
        seen.append(delimiter)
        return rows(file, delimiter, *args)

    monkeypatch.setattr(plain_csv, "plain_rows", watched)
    text = "id;nama;nilai;catatan\n" + "".join(
        f"{n};ké {n};{n}.5;“kutip”\r\n".replace("\r", "") for n in range(50_000)
    )
    batch = load(loads, contract(loads, delimiter=";", encoding="cp1252"), text, "cp1252")
    assert (batch.loaded, seen) == (50_000, [";"])
    assert content(loads)[7] == (7, "ké 7", "7.50", "“kutip”", "baris 9")
