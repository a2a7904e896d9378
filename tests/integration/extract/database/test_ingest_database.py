"""A database's rows on their way into raw: what is good arrives, what is bad is told, nothing is doubled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.errors import ContractError, LoadError, ShapeError, SourceError
from pipelines.ingest import Ingested, ingest
from pipelines.load import prepare
from pipelines.load.waits import Waits
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column, database, document, make
from tests.support.loads import AT_ONCE, IMPATIENT

NIK = "9901010101900001"


class House:
    """A warehouse and a source database in one server, and one dataset's load."""

    def __init__(self, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.folder = folder
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=self.url)
        self.connection: Connection[Any] = connect(self.url)
        monkeypatch.setenv("UJI_URL", self.url)
        monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
        prepare.prepare(self.connection, [])
        self.run("create table core.ref_wilayah (kode_kemendagri text, level text)")
        self.run(
            "insert into core.ref_wilayah values ('64.72', 'kabupaten_kota'), ('64.71', 'kabupaten_kota')"
        )

    def run(self, statement: str) -> list[Any]:
        cursor = self.connection.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []

    def load(self, contract: Contract, window: Window | None = None, *, waits: Waits = AT_ONCE) -> Ingested:
        return ingest(
            self.connection, contract, self.settings, self.url, run_id="uji", window=window, waits=waits
        )


@pytest.fixture
def house(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House(warehouse_url, tmp_path, monkeypatch)
    yield made
    made.connection.close()


def visits(house: House, **custom: Any) -> Contract:
    wilayah = {
        "to": "ref_wilayah.kode_kemendagri",
        "customProperties": [{"property": "where", "value": {"level": "kabupaten_kota"}}],
    }
    columns = [
        column("id", "integer", primaryKey=True),
        column(
            "nik",
            required=True,
            classification="pribadi",
            pseudonymise="uji",
            logicalTypeOptions={"pattern": "^[0-9]{16}$"},
        ),
        column("nama", classification="pribadi", drop=True),
        column("kelamin", enum=[{"value": "L"}, {"value": "P"}]),
        column("kode", relationships=[wilayah]),
        column("biaya", "numeric(18,2)", parse="angka_id", logicalTypeOptions={"minimum": 0}),
        column("tanggal", "date", parse="tanggal_nol"),
        column("diubah", "timestamp", required=True),
    ]
    return make(
        house.folder / "contracts",
        document("dinkes/kunjungan", columns, database("UJI_URL"), extract={"table": "sumber"}, **custom),
    )


def source(house: House, *rows: str) -> None:
    house.run("drop table if exists public.sumber")
    house.run(
        "create table public.sumber (id text, nik text, nama text, kelamin text, kode text, biaya text, tanggal text,"
        " diubah timestamp)"
    )
    for row in rows:
        house.run(f"insert into public.sumber values {row}")  # noqa: S608


GOOD = f"('1', '{NIK}', 'Sari Uji', 'L', '64.72', '1.234.567', '2024-05-01', '2024-05-01 10:00')"
OTHER = f"('2', '{NIK}', 'Sari Uji', 'P', '64.71', '0', '0000-00-00', '2024-05-02 10:00')"


def test_good_rows_arrive_typed_repaired_and_pseudonymised(house: House) -> None:
    source(house, GOOD, OTHER)
    done = house.load(visits(house))
    assert done.batch is not None and (done.batch.state, done.batch.loaded) == ("loaded", 2)
    assert house.run("select id, biaya::text, tanggal::text from raw.dinkes__kunjungan order by id") == [
        (1, "1234567.00", "2024-05-01"),
        (2, "0.00", None),
    ]
    (pseudonym,) = {row[0] for row in house.run("select nik from raw.dinkes__kunjungan")}
    # HMAC-SHA-256 of "uji", unit separator and the NIK under 32 times "k", made here with Python's own hmac.
    import hashlib
    import hmac

    assert pseudonym == hmac.new(b"k" * 32, f"uji\x1f{NIK}".encode(), hashlib.sha256).hexdigest()
    repairs = dict(house.run("select column_name, rows from ops.load_repair"))
    assert repairs == {"biaya": 1, "tanggal": 1}


def test_a_bad_row_is_quarantined_with_every_reason_and_no_personal_value(house: House) -> None:
    bad = "('tiga', '123', 'Budi Uji', 'X', '64.99', '-5', '31/02/2024', '2024-05-03 10:00')"
    source(house, GOOD, bad, OTHER)
    done = house.load(visits(house, max_quarantine_share=0.5))
    assert done.batch is not None and (done.batch.loaded, done.batch.quarantined) == (2, 1)
    ((row, reasons),) = house.run("select row, reasons from quarantine.row")
    assert {(r["kolom"], r["aturan"]) for r in reasons} == {
        ("id", "tipe"),
        ("nik", "pola"),
        ("kelamin", "klasifikasi"),
        ("kode", "rujukan"),
        ("biaya", "minimum"),
        ("tanggal", "tipe"),
    }
    assert row["nik"] == "***" and "nama" not in row and row["kode"] == "***"
    assert all(r["pesan"] and r["perbaikan"] for r in reasons)
    written = str(house.run("select row_to_json(t)::text from ops.check_result t")) + str((row, reasons))
    assert NIK not in written and "Uji" not in written and "'123'" not in written


def test_a_duplicate_key_keeps_the_first_row_and_tells_of_the_other(house: House) -> None:
    source(house, GOOD, OTHER, GOOD.replace("64.72", "64.71"))
    done = house.load(visits(house, max_quarantine_share=0.5))
    assert done.batch is not None and (done.batch.loaded, done.batch.quarantined) == (2, 1)
    assert house.run("select kode from raw.dinkes__kunjungan where id = 1") == [("64.72",)]
    ((reasons,),) = house.run("select reasons from quarantine.row")
    assert [r["aturan"] for r in reasons] == ["kunci_ganda"]


def test_of_doubled_keys_among_refused_rows_the_first_good_one_stays(house: House) -> None:
    uncastable = GOOD.replace("'1'", "'satu'")
    refused = GOOD.replace("'L'", "'X'")  # the key of GOOD, and before it
    second, third = GOOD.replace("64.72", "64.71"), GOOD.replace("('1'", "('01'")
    source(house, uncastable, refused, GOOD, second, OTHER, third)
    batch = house.load(visits(house, max_quarantine_share=0.9)).batch
    assert batch is not None and (batch.read, batch.loaded, batch.quarantined) == (6, 2, 4)
    assert house.run("select id, kode from raw.dinkes__kunjungan order by id") == [(1, "64.72"), (2, "64.71")]
    told = house.run(
        "select left(row_key, 3), jsonb_path_query_array(reasons, '$[*].aturan')::text from quarantine.row order by 1, 2"
    )
    assert told == [
        ("***", '["tipe"]'),
        ("01", '["kunci_ganda"]'),
        ("1", '["klasifikasi"]'),
        ("1", '["kunci_ganda"]'),
    ]


def test_the_same_rows_again_change_nothing_and_the_same_bad_row_is_one_entry(house: House) -> None:
    source(house, GOOD, OTHER.replace("64.71", "64.99"))
    contract = visits(house, max_quarantine_share=0.6)
    house.load(contract)
    again = house.load(contract).batch
    assert again is not None and (again.state, again.loaded, again.unchanged, again.quarantined) == (
        "unchanged",
        0,
        1,
        1,
    )
    assert house.run("select count(*), min(state) from quarantine.row") == [(1, "open")]
    source(house, GOOD, OTHER)
    mended = house.load(contract).batch
    assert mended is not None and (mended.loaded, mended.unchanged) == (1, 1)
    assert house.run("select state from quarantine.row") == [("resolved",)]


def test_a_replaced_table_keeps_its_grants_and_the_views_upon_it(house: House) -> None:
    source(house, GOOD)
    contract = visits(house)
    house.load(contract)
    house.run(
        "do $$ begin if not exists (select from pg_roles where rolname = 'pembaca_uji')"
        " then create role pembaca_uji; end if; end $$"
    )
    house.run("grant select on raw.dinkes__kunjungan to pembaca_uji")
    house.run("create view staging.kunjungan as select id, kode from raw.dinkes__kunjungan")
    house.run("create view staging.kota as select kode, count(*) as n from staging.kunjungan group by kode")
    house.run("grant select on staging.kota to pembaca_uji")
    house.run("comment on view staging.kota is 'per kota'")
    source(house, GOOD, OTHER)
    house.load(contract)
    assert house.run("select kode, n from staging.kota order by kode") == [("64.71", 1), ("64.72", 1)]
    assert house.run("select has_table_privilege('pembaca_uji', 'raw.dinkes__kunjungan', 'select')") == [
        (True,)
    ]
    assert house.run("select has_table_privilege('pembaca_uji', 'staging.kota', 'select')") == [(True,)]
    assert house.run("select obj_description('staging.kota'::regclass)") == [("per kota",)]
    assert house.run("select col_description('raw.dinkes__kunjungan'::regclass, 1)") == [("Kolom id.",)]


def test_too_many_bad_rows_refuse_the_load_and_the_published_rows_stay(house: House) -> None:
    contract = visits(house)
    source(house, GOOD, OTHER)
    house.load(contract)
    source(house, GOOD, OTHER.replace("'P'", "'?'"))
    done = house.load(contract)
    assert done.batch is not None and done.batch.state == "rejected"
    assert [c.name for c in done.checks if not c.passed] == ["karantina"]
    assert house.run("select count(*) from raw.dinkes__kunjungan") == [(2,)]
    assert house.run("select count(*) from quarantine.row") == [(1,)]


def test_an_empty_source_does_not_replace_published_rows(house: House) -> None:
    contract = visits(house)
    source(house, GOOD)
    house.load(contract)
    source(house)
    done = house.load(contract)
    assert done.batch is not None and done.batch.state == "rejected"
    assert house.run("select count(*) from raw.dinkes__kunjungan") == [(1,)]


def test_a_merge_reads_from_the_watermark_and_takes_what_the_database_says_last(house: House) -> None:
    contract = visits(house, write_disposition="merge", cursor="diubah", lag="PT1H")
    source(house, GOOD, OTHER)
    first = house.load(contract).batch
    assert first is not None and first.loaded == 2
    assert house.run("select value from ops.watermark") == [("2024-05-02T10:00:00",)]
    again = house.load(contract).batch
    assert again is not None and (again.read, again.loaded, again.unchanged) == (1, 0, 1)
    source(
        house,
        OTHER.replace("'0'", "'9'").replace("10:00", "09:30"),
        GOOD.replace("'1'", "'3'").replace("2024-05-01 10", "2024-05-04 10"),
    )
    third = house.load(contract).batch
    assert third is not None and (third.read, third.loaded, third.unchanged) == (2, 2, 0)
    assert house.run("select id, biaya::int from raw.dinkes__kunjungan order by id") == [
        (1, 1234567),
        (2, 9),
        (3, 1234567),
    ]
    assert house.run("select value from ops.watermark") == [("2024-05-04T10:00:00",)]


def test_a_window_replaces_its_days_and_leaves_the_others(house: House) -> None:
    from datetime import date

    contract = visits(house, partition={"column": "tanggal", "every": "daily", "start": "2024-05-01"})
    dated = OTHER.replace("0000-00-00", "2024-05-02")
    source(house, GOOD, dated)
    whole = Window(date(2024, 5, 1), date(2024, 5, 2))
    assert (first := house.load(contract, whole).batch) and first.loaded == 2
    source(house, dated.replace("'0'", "'7'"))
    assert (
        second := house.load(contract, Window(date(2024, 5, 2), date(2024, 5, 2))).batch
    ) and second.loaded == 1
    assert house.run("select id, biaya::int from raw.dinkes__kunjungan order by id") == [(1, 1234567), (2, 7)]
    assert (third := house.load(contract, whole).batch) and (third.deleted, third.unchanged) == (1, 1)


def test_an_empty_window_does_not_delete_published_days(house: House) -> None:
    from datetime import date

    contract = visits(house, partition={"column": "tanggal", "every": "daily", "start": "2024-05-01"})
    window = Window(date(2024, 5, 1), date(2024, 5, 1))
    source(house, GOOD)
    house.load(contract, window)
    source(house)
    with pytest.raises(LoadError, match="tidak memberi satu baris pun untuk jendela 2024-05-01"):
        house.load(contract, window)
    assert house.run("select count(*) from raw.dinkes__kunjungan") == [(1,)]


def test_a_vanished_column_and_a_vanished_table_are_named(house: House) -> None:
    source(house, GOOD)
    contract = visits(house)
    house.load(contract)
    house.run("alter table public.sumber rename column kode to kode_baru")
    with pytest.raises(
        ShapeError,
        match=r"tidak punya kolom kode; yang ada tetapi tidak dikenal kontrak: kolom ke-5.*kode berganti nama menjadi kolom ke-5",
    ):
        house.load(contract)
    house.run("drop table public.sumber")
    with pytest.raises(ShapeError, match="tidak punya tabel sumber"):
        house.load(contract)
    assert house.run("select state from ops.load_batch order by batch_id") == [
        ("loaded",),
        ("failed",),
        ("failed",),
    ]
    assert house.run("select count(*) from raw.dinkes__kunjungan") == [(1,)]


def test_a_source_that_is_down_is_a_clear_error(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = visits(house)
    monkeypatch.setenv("UJI_URL", "postgresql+psycopg://siapa:rahasia@127.0.0.1:9/tiada")
    with pytest.raises(SourceError) as caught:
        house.load(contract)
    assert "rahasia" not in str(caught.value) and caught.value.transient
    monkeypatch.delenv("UJI_URL")
    with pytest.raises(ContractError, match="UJI_URL belum diisi"):
        house.load(contract)


def test_personal_columns_without_a_key_stop_the_load(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    source(house, GOOD)
    monkeypatch.delenv("GUDANG_PSEUDONYM_KEY")
    with pytest.raises(ContractError, match="GUDANG_PSEUDONYM_KEY"):
        house.load(visits(house))
    assert house.run("select count(*) from ops.load_batch") == [(0,)]


def test_nothing_of_a_load_is_left_in_landing(house: House) -> None:
    source(house, GOOD, GOOD)
    contract = visits(house, max_quarantine_share=0.5)
    house.load(contract)
    house.run("drop table public.sumber")
    with pytest.raises(ShapeError):
        house.load(contract)
    assert house.run(
        "select count(*) from pg_class where relnamespace = 'landing'::regnamespace and relkind = 'r'"
    ) == [(0,)]


def test_a_reader_that_holds_on_makes_the_swap_fail_cleanly(house: House) -> None:
    source(house, GOOD)
    contract = visits(house)
    house.load(contract)
    source(house, GOOD, OTHER)
    with psycopg.connect(house.url.replace("+psycopg", "")) as reader:
        reader.execute("select count(*) from raw.dinkes__kunjungan")
        with pytest.raises(LoadError, match="pembaca memegang tabel"):
            house.load(contract, waits=IMPATIENT)
    assert house.run("select count(*) from raw.dinkes__kunjungan") == [(1,)]
    assert (after := house.load(contract).batch) and after.loaded == 1


def test_whatever_goes_wrong_outside_of_a_load_is_one_of_the_family_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A multi-asset goes on with the next dataset of its server."""

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(NIK)

    monkeypatch.setattr("pipelines.ingest.record", broken)
    source(house, GOOD)
    with pytest.raises(
        LoadError, match=r"dinkes/kunjungan: RuntimeError yang tidak terduga di ingest\.py"
    ) as caught:
        house.load(visits(house))
    assert NIK not in str(caught.value)
    assert house.run("select state from ops.load_batch") == [("loaded",)]
    house.connection.close()
    with pytest.raises(LoadError, match="koneksi"):
        house.load(visits(house))


def test_the_gate_lets_several_versions_of_a_key_pass(house: House) -> None:
    columns = [
        column("id", "integer", primaryKey=True),
        column("surat"),
        column("diubah", "timestamp", required=True),
    ]
    contract = make(
        house.folder / "contracts",
        document(
            "dinkes/riwayat", columns, database("UJI_URL"), extract={"table": "riwayat"},
            write_disposition="merge", merge_strategy="scd2", cursor="diubah",
        ),
    )  # fmt: skip
    house.run("create table public.riwayat (id integer, surat text, diubah timestamp)")
    house.run("insert into public.riwayat values (1, 'A', '2024-05-02'), (1, 'A', '2024-05-01')")
    done = house.load(contract)
    assert done.batch is not None and (done.batch.state, done.batch.loaded) == ("loaded", 2)
    assert [c.name for c in done.checks if not c.passed] == []
    assert house.run("select is_current from raw.dinkes__riwayat order by valid_from") == [(False,), (True,)]
