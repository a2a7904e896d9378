"""Rows of a database are loaded into raw: good rows arrive once, bad rows go to quarantine with their reasons."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import date
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


class SourceAndWarehouse:
    """A warehouse with a source table in the same database, and loads of one dataset."""

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
def both(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SourceAndWarehouse]:
    made = SourceAndWarehouse(warehouse_url, tmp_path, monkeypatch)
    yield made
    made.connection.close()


def visits(both: SourceAndWarehouse, **custom: Any) -> Contract:
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
        both.folder / "contracts",
        document("dinkes/kunjungan", columns, database("UJI_URL"), extract={"table": "sumber"}, **custom),
    )


def source(both: SourceAndWarehouse, *rows: str) -> None:
    both.run("drop table if exists public.sumber")
    both.run(
        "create table public.sumber (id text, nik text, nama text, kelamin text, kode text, biaya text, tanggal text,"
        " diubah timestamp)"
    )
    for row in rows:
        both.run(f"insert into public.sumber values {row}")  # noqa: S608


GOOD = f"('1', '{NIK}', 'Sari Uji', 'L', '64.72', '1.234.567', '2024-05-01', '2024-05-01 10:00')"
OTHER = f"('2', '{NIK}', 'Sari Uji', 'P', '64.71', '0', '0000-00-00', '2024-05-02 10:00')"


def test_good_rows_arrive_typed_repaired_and_pseudonymised(both: SourceAndWarehouse) -> None:
    source(both, GOOD, OTHER)
    done = both.load(visits(both))
    assert done.batch is not None and (done.batch.state, done.batch.loaded) == ("loaded", 2)
    assert both.run("select id, biaya::text, tanggal::text from raw.dinkes__kunjungan order by id") == [
        (1, "1234567.00", "2024-05-01"),
        (2, "0.00", None),
    ]
    (pseudonym,) = {row[0] for row in both.run("select nik from raw.dinkes__kunjungan")}
    # HMAC-SHA-256 of "uji", unit separator and the NIK with the key of 32 "k", computed by Python's hmac.
    assert pseudonym == hmac.new(b"k" * 32, f"uji\x1f{NIK}".encode(), hashlib.sha256).hexdigest()
    repairs = dict(both.run("select column_name, rows from ops.load_repair"))
    assert repairs == {"biaya": 1, "tanggal": 1}


def test_a_bad_row_is_quarantined_with_every_reason_and_no_personal_value(both: SourceAndWarehouse) -> None:
    bad = "('tiga', '123', 'Budi Uji', 'X', '64.99', '-5', '31/02/2024', '2024-05-03 10:00')"
    source(both, GOOD, bad, OTHER)
    done = both.load(visits(both, max_quarantine_share=0.5))
    assert done.batch is not None and (done.batch.loaded, done.batch.quarantined) == (2, 1)
    ((row, reasons),) = both.run("select row, reasons from quarantine.row")
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
    written = str(both.run("select row_to_json(t)::text from ops.check_result t")) + str((row, reasons))
    assert NIK not in written and "Uji" not in written and "'123'" not in written


def test_of_a_duplicate_key_the_first_row_is_loaded_and_the_other_quarantined(
    both: SourceAndWarehouse,
) -> None:
    source(both, GOOD, OTHER, GOOD.replace("64.72", "64.71"))
    done = both.load(visits(both, max_quarantine_share=0.5))
    assert done.batch is not None and (done.batch.loaded, done.batch.quarantined) == (2, 1)
    assert both.run("select kode from raw.dinkes__kunjungan where id = 1") == [("64.72",)]
    ((reasons,),) = both.run("select reasons from quarantine.row")
    assert [r["aturan"] for r in reasons] == ["kunci_ganda"]


def test_of_a_duplicate_key_among_refused_rows_the_first_valid_row_is_loaded(
    both: SourceAndWarehouse,
) -> None:
    uncastable = GOOD.replace("'1'", "'satu'")
    refused = GOOD.replace("'L'", "'X'")  # has the key of GOOD and comes before it
    second, third = GOOD.replace("64.72", "64.71"), GOOD.replace("('1'", "('01'")
    source(both, uncastable, refused, GOOD, second, OTHER, third)
    batch = both.load(visits(both, max_quarantine_share=0.9)).batch
    assert batch is not None and (batch.read, batch.loaded, batch.quarantined) == (6, 2, 4)
    assert both.run("select id, kode from raw.dinkes__kunjungan order by id") == [(1, "64.72"), (2, "64.71")]
    entries = both.run(
        "select left(row_key, 3), jsonb_path_query_array(reasons, '$[*].aturan')::text from quarantine.row order by 1, 2"
    )
    assert entries == [
        ("***", '["tipe"]'),
        ("1", '["klasifikasi"]'),
        ("1", '["kunci_ganda"]'),
        ("1", '["kunci_ganda"]'),
    ]


def test_the_same_rows_again_change_nothing_and_add_no_quarantine_entry(both: SourceAndWarehouse) -> None:
    source(both, GOOD, OTHER.replace("64.71", "64.99"))
    contract = visits(both, max_quarantine_share=0.6)
    both.load(contract)
    again = both.load(contract).batch
    assert again is not None and (again.state, again.loaded, again.unchanged, again.quarantined) == (
        "unchanged",
        0,
        1,
        1,
    )
    assert both.run("select count(*), min(state) from quarantine.row") == [(1, "open")]
    source(both, GOOD, OTHER)
    fixed = both.load(contract).batch
    assert fixed is not None and (fixed.loaded, fixed.unchanged) == (1, 1)
    assert both.run("select state from quarantine.row") == [("resolved",)]


def test_a_replaced_table_keeps_its_grants_and_the_views_upon_it(both: SourceAndWarehouse) -> None:
    source(both, GOOD)
    contract = visits(both)
    both.load(contract)
    both.run(
        "do $$ begin if not exists (select from pg_roles where rolname = 'pembaca_uji')"
        " then create role pembaca_uji; end if; end $$"
    )
    both.run("grant select on raw.dinkes__kunjungan to pembaca_uji")
    both.run("create view staging.kunjungan as select id, kode from raw.dinkes__kunjungan")
    both.run("create view staging.kota as select kode, count(*) as n from staging.kunjungan group by kode")
    both.run("grant select on staging.kota to pembaca_uji")
    both.run("comment on view staging.kota is 'per kota'")
    source(both, GOOD, OTHER)
    both.load(contract)
    assert both.run("select kode, n from staging.kota order by kode") == [("64.71", 1), ("64.72", 1)]
    assert both.run("select has_table_privilege('pembaca_uji', 'raw.dinkes__kunjungan', 'select')") == [
        (True,)
    ]
    assert both.run("select has_table_privilege('pembaca_uji', 'staging.kota', 'select')") == [(True,)]
    assert both.run("select obj_description('staging.kota'::regclass)") == [("per kota",)]
    assert both.run("select col_description('raw.dinkes__kunjungan'::regclass, 1)") == [("Kolom id.",)]


def test_too_many_bad_rows_reject_the_load_and_raw_stays(both: SourceAndWarehouse) -> None:
    contract = visits(both)
    source(both, GOOD, OTHER)
    both.load(contract)
    source(both, GOOD, OTHER.replace("'P'", "'?'"))
    done = both.load(contract)
    assert done.batch is not None and done.batch.state == "rejected"
    assert [c.name for c in done.checks if not c.passed] == ["karantina"]
    assert both.run("select count(*) from raw.dinkes__kunjungan") == [(2,)]
    assert both.run("select count(*) from quarantine.row") == [(1,)]


def test_an_empty_source_does_not_replace_the_rows_of_raw(both: SourceAndWarehouse) -> None:
    contract = visits(both)
    source(both, GOOD)
    both.load(contract)
    source(both)
    done = both.load(contract)
    assert done.batch is not None and done.batch.state == "rejected"
    assert both.run("select count(*) from raw.dinkes__kunjungan") == [(1,)]


def test_a_merge_reads_from_the_watermark_and_takes_the_present_values(both: SourceAndWarehouse) -> None:
    contract = visits(both, write_disposition="merge", cursor="diubah", lag="PT1H")
    source(both, GOOD, OTHER)
    first = both.load(contract).batch
    assert first is not None and first.loaded == 2
    assert both.run("select value from ops.watermark") == [("2024-05-02T10:00:00",)]
    again = both.load(contract).batch
    assert again is not None and (again.read, again.loaded, again.unchanged) == (1, 0, 1)
    source(
        both,
        OTHER.replace("'0'", "'9'").replace("10:00", "09:30"),
        GOOD.replace("'1'", "'3'").replace("2024-05-01 10", "2024-05-04 10"),
    )
    third = both.load(contract).batch
    assert third is not None and (third.read, third.loaded, third.unchanged) == (2, 2, 0)
    assert both.run("select id, biaya::int from raw.dinkes__kunjungan order by id") == [
        (1, 1234567),
        (2, 9),
        (3, 1234567),
    ]
    assert both.run("select value from ops.watermark") == [("2024-05-04T10:00:00",)]


def test_a_window_replaces_its_days_and_leaves_the_others(both: SourceAndWarehouse) -> None:
    contract = visits(both, partition={"column": "tanggal", "every": "daily", "start": "2024-05-01"})
    dated = OTHER.replace("0000-00-00", "2024-05-02")
    source(both, GOOD, dated)
    both_days = Window(date(2024, 5, 1), date(2024, 5, 2))
    assert (first := both.load(contract, both_days).batch) and first.loaded == 2
    source(both, dated.replace("'0'", "'7'"))
    assert (
        second := both.load(contract, Window(date(2024, 5, 2), date(2024, 5, 2))).batch
    ) and second.loaded == 1
    assert both.run("select id, biaya::int from raw.dinkes__kunjungan order by id") == [(1, 1234567), (2, 7)]
    assert (third := both.load(contract, both_days).batch) and (third.deleted, third.unchanged) == (1, 1)


def test_an_empty_window_does_not_delete_its_days_from_raw(both: SourceAndWarehouse) -> None:
    contract = visits(both, partition={"column": "tanggal", "every": "daily", "start": "2024-05-01"})
    window = Window(date(2024, 5, 1), date(2024, 5, 1))
    source(both, GOOD)
    both.load(contract, window)
    source(both)
    with pytest.raises(LoadError, match="tidak memberi satu baris pun untuk jendela 2024-05-01"):
        both.load(contract, window)
    assert both.run("select count(*) from raw.dinkes__kunjungan") == [(1,)]


def test_a_missing_column_and_a_missing_table_are_named(both: SourceAndWarehouse) -> None:
    source(both, GOOD)
    contract = visits(both)
    both.load(contract)
    both.run("alter table public.sumber rename column kode to kode_baru")
    with pytest.raises(
        ShapeError,
        match=r"tidak punya kolom kode; yang ada tetapi tidak dikenal kontrak: kolom ke-5.*kode berganti nama menjadi kolom ke-5",
    ):
        both.load(contract)
    both.run("drop table public.sumber")
    with pytest.raises(ShapeError, match="tidak punya tabel sumber"):
        both.load(contract)
    assert both.run("select state from ops.load_batch order by batch_id") == [
        ("loaded",),
        ("failed",),
        ("failed",),
    ]
    assert both.run("select count(*) from raw.dinkes__kunjungan") == [(1,)]


def test_an_unreachable_source_is_a_transient_error_without_the_password(
    both: SourceAndWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = visits(both)
    monkeypatch.setenv("UJI_URL", "postgresql+psycopg://siapa:rahasia@127.0.0.1:9/tiada")
    with pytest.raises(SourceError) as caught:
        both.load(contract)
    assert "rahasia" not in str(caught.value) and caught.value.transient
    monkeypatch.delenv("UJI_URL")
    with pytest.raises(ContractError, match="UJI_URL belum diisi"):
        both.load(contract)


def test_personal_columns_without_a_key_stop_the_load(
    both: SourceAndWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    source(both, GOOD)
    monkeypatch.delenv("GUDANG_PSEUDONYM_KEY")
    with pytest.raises(ContractError, match="GUDANG_PSEUDONYM_KEY"):
        both.load(visits(both))
    assert both.run("select state, code, rows_read from ops.load_batch") == [("failed", "GDK-K021", 0)]


def test_nothing_of_a_load_is_left_in_landing(both: SourceAndWarehouse) -> None:
    source(both, GOOD, GOOD)
    contract = visits(both, max_quarantine_share=0.5)
    both.load(contract)
    both.run("drop table public.sumber")
    with pytest.raises(ShapeError):
        both.load(contract)
    assert both.run(
        "select count(*) from pg_class where relnamespace = 'landing'::regnamespace and relkind = 'r'"
    ) == [(0,)]


def test_a_reader_that_holds_the_table_makes_the_exchange_fail_cleanly(both: SourceAndWarehouse) -> None:
    source(both, GOOD)
    contract = visits(both)
    both.load(contract)
    source(both, GOOD, OTHER)
    with psycopg.connect(both.url.replace("+psycopg", "")) as reader:
        reader.execute("select count(*) from raw.dinkes__kunjungan")
        with pytest.raises(LoadError, match="pembaca memegang tabel"):
            both.load(contract, waits=IMPATIENT)
    assert both.run("select count(*) from raw.dinkes__kunjungan") == [(1,)]
    assert (after := both.load(contract).batch) and after.loaded == 1


def test_an_unexpected_error_outside_of_a_load_becomes_a_load_error(
    both: SourceAndWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a multi-asset goes on with the next dataset of its server."""

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(NIK)

    monkeypatch.setattr("pipelines.ingest.loads.record", broken)
    source(both, GOOD)
    with pytest.raises(
        LoadError, match=r"dinkes/kunjungan: RuntimeError yang tidak terduga di ingest/loads\.py"
    ) as caught:
        both.load(visits(both))
    assert NIK not in str(caught.value)
    assert both.run("select state from ops.load_batch") == [("loaded",)]
    both.connection.close()
    with pytest.raises(LoadError, match="koneksi"):
        both.load(visits(both))


def test_the_gate_accepts_several_versions_of_a_key(both: SourceAndWarehouse) -> None:
    columns = [
        column("id", "integer", primaryKey=True),
        column("surat"),
        column("diubah", "timestamp", required=True),
    ]
    contract = make(
        both.folder / "contracts",
        document(
            "dinkes/riwayat", columns, database("UJI_URL"), extract={"table": "riwayat"},
            write_disposition="merge", merge_strategy="scd2", cursor="diubah",
        ),
    )  # fmt: skip
    both.run("create table public.riwayat (id integer, surat text, diubah timestamp)")
    both.run("insert into public.riwayat values (1, 'A', '2024-05-02'), (1, 'A', '2024-05-01')")
    done = both.load(contract)
    assert done.batch is not None and (done.batch.state, done.batch.loaded) == ("loaded", 2)
    assert [c.name for c in done.checks if not c.passed] == []
    assert both.run("select is_current from raw.dinkes__riwayat order by valid_from") == [(False,), (True,)]
