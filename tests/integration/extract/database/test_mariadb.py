"""Contracts give the same rows from MariaDB as from PostgreSQL, dirty values included."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from psycopg import sql

from demo.databases import TABLES, seed_database
from demo.variables import database_urls
from pipelines.contracts.windows import Window
from pipelines.errors import SourceError
from pipelines.extract.stream import NO_MOMENTS
from pipelines.ingest import ingest
from pipelines.load import prepare
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan
from pipelines.load.stage import statement as stage
from pipelines.settings import PROJECT_ROOT, Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column, database, document, make
from tests.support.loads import AT_ONCE
from tests.support.repository import own_contracts

pytestmark = [pytest.mark.mariadb, pytest.mark.slow]
KEYS = ("dkp3a/penduduk_agregat", "dinkes/puskesmas", "dinkes/kunjungan", "bapenda/pembayaran_pkb")


def test_four_contracts_give_the_same_rows_from_mariadb_and_postgresql(
    reference_url: str, mariadb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
    url = reference_url.replace("postgresql://", "postgresql+psycopg://", 1)
    contracts = {c.key: c for c in own_contracts()}
    settings = Settings(home=tmp_path, project=PROJECT_ROOT, warehouse_url=url)
    window = Window(date(2026, 11, 1), date(2026, 11, 10))
    # Both servers get every table, and of those that no contract here reads the first rows.
    read = {key.split("/")[1] for key in KEYS}
    tables_of_opd = [
        t if t.name in read else replace(t, rows=t.rows[:1000]) for t in (make() for make in TABLES)
    ]
    found: dict[str, dict[str, list[object]]] = {}
    with connect(url) as connection:
        prepare.prepare(connection, contracts.values())
        for source in (reference_url, mariadb_url):
            seed_database(source, tables_of_opd)
            for name, place in database_urls(source).items():
                monkeypatch.setenv(name, place)
            tables: dict[str, list[object]] = {}
            for key in KEYS:
                contract = contracts[key]
                connection.execute(f"drop table if exists raw.{contract.table}".encode())
                connection.execute("delete from ops.watermark; delete from ops.source_shape")
                done = ingest(
                    connection,
                    contract,
                    settings,
                    url,
                    run_id="uji",
                    waits=AT_ONCE,
                    window=window if contract.partition else None,
                )
                assert done.batch is not None and done.batch.state == "loaded", (source, key, done.batch)
                names = ", ".join(c.name for c in contract.stored)
                query = f"select md5(string_agg(t::text, '|' order by t::text)), count(*) from (select {names} from raw.{contract.table}) t"  # noqa: S608
                tables[key] = [*connection.execute(query.encode()).fetchall(), done.batch.quarantined]
            found[source] = tables
    assert found[mariadb_url] == found[reference_url]


def test_odd_values_of_mariadb_arrive_as_text_or_are_repaired(
    warehouse_url: str, mariadb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = sa.create_engine(mariadb_url)
    with engine.begin() as source:
        source.execute(sa.text("set session sql_mode = ''"))
        source.execute(
            sa.text(
                "create table kotor (id int primary key, teks longtext charset utf8mb4, tanggal date, jam time, b bit(1))"
            )
        )
        text = "tab\t baris\n garis\\ kutip' nul\0 ké 🐟"
        source.execute(
            sa.text("insert into kotor values (1, :t, '0000-00-00', '30:15:00', b'1')"), {"t": text}
        )
        source.execute(
            sa.text(
                "insert into kotor values (2, null, '2024-05-01', null, null), (3, '', '2024-02-29', null, null)"
            )
        )
    monkeypatch.setenv("UJI_URL", mariadb_url)
    columns = [
        column("id", "integer", primaryKey=True),
        column("teks"),
        column("tanggal", "date", parse="tanggal_nol"),
        column("jam"),
    ]
    contract = make(tmp_path, document("uji/kotor", columns, database("UJI_URL"), extract={"table": "kotor"}))
    url = warehouse_url.replace("postgresql://", "postgresql+psycopg://", 1)
    with connect(url) as connection:
        prepare.prepare(connection, [])
        ingest(connection, contract, Settings(tmp_path, tmp_path, url), url, run_id="uji", waits=AT_ONCE)
        rows = connection.execute(
            "select id, teks, tanggal::text, jam from raw.uji__kotor order by id"
        ).fetchall()
    assert rows == [
        (1, text.replace("\0", "\ufffd"), None, "30:15:00"),
        (2, None, "2024-05-01", None),
        (3, "", "2024-02-29", None),
    ]


def test_dates_land_typed_until_one_is_none_and_then_as_text(
    warehouse_url: str, mariadb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first load that meets 0000-00-00 reads the table twice, and those that follow it once."""
    monkeypatch.setenv("UJI_URL", mariadb_url)
    columns = [
        column("id", "integer", primaryKey=True),
        column("tanggal", "date"),
        column("waktu", "timestamp"),
        column("jumlah", "integer", logicalTypeOptions={"maximum": 10}),
    ]
    doc = document(
        "uji/kotor", columns, database("UJI_URL"), extract={"table": "kotor"}, max_quarantine_share=0.5
    )
    contract = make(tmp_path, doc)
    url = warehouse_url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(mariadb_url)

    def change(*statements: str) -> None:
        with engine.begin() as source:
            source.execute(sa.text("set session sql_mode = 'ALLOW_INVALID_DATES'"))
            for statement in statements:
                source.execute(sa.text(statement))

    landed: list[tuple[str, ...]] = []
    create = stage.create_landing

    def watched(plan: LoadPlan) -> sql.Composed:
        landed.append(tuple(sorted(plan.exact)))
        return create(plan)

    monkeypatch.setattr(stage, "create_landing", watched)
    typed, as_text = ("id", "jumlah", "tanggal", "waktu"), ("id", "jumlah")
    change(
        "create table kotor (id int primary key, tanggal date, waktu datetime(6), jumlah int)",
        "insert into kotor values (1, '2024-02-29', '2024-05-01 10:00:00.25', 1), (2, null, null, 2)",
        "insert into kotor values (3, '9999-12-31', null, 3), (9, null, '2024-05-01 10:00:00.25', 99)",
    )
    with connect(url) as connection:
        prepare.prepare(connection, [])

        def entries() -> list[tuple[Any, ...]]:
            return connection.execute(
                "select entry_id, row ->> 'id', row ->> 'tanggal', row ->> 'waktu' from quarantine.row"
                " where state = 'open' order by 2"
            ).fetchall()

        def load(*, full_refresh: bool = False) -> Batch:
            done = ingest(
                connection, contract, Settings(tmp_path, tmp_path, url), url, run_id="uji", waits=AT_ONCE,
                full_refresh=full_refresh,
            )  # fmt: skip
            assert done.batch is not None
            return done.batch

        assert (load().loaded, landed) == (3, [typed])
        first = entries()
        assert [entry[1:] for entry in first] == [("9", None, "2024-05-01 10:00:00.25")]
        change("insert into kotor values (4, '0000-00-00', null, 4), (5, '2024-01-01', '2024-02-30', 5)")
        batch = load()
        assert (batch.quarantined, batch.found) == (3, {NO_MOMENTS: "dibaca sebagai teks"})
        assert landed[1:] == [typed, as_text]
        *odd, same = entries()
        assert [entry[1:] for entry in odd] == [
            ("4", "0000-00-00", None),
            ("5", "2024-01-01", "2024-02-30 00:00:00.000000"),
        ]
        assert [same] == first, "how a time lands makes no new entry"
        assert (load().quarantined, landed[3:]) == (3, [as_text])
        connection.execute(
            "insert into ops.load_batch (dataset, run_id, state, by_retention, finished_at)"
            " values ('uji/kotor', 'pemeliharaan', 'loaded', true, clock_timestamp())"
        )
        assert (load().quarantined, landed[4:]) == (3, [as_text]), "retention reads nothing"
        connection.execute("update ops.load_batch set state = 'failed' where found <> '{}'")
        change("delete from kotor where id in (4, 5)")
        assert (load().quarantined, landed[5:]) == (1, [as_text]), "a load may fail after it has landed"
        assert (load(full_refresh=True).found, landed[6:]) == ({}, [typed])
        rows = connection.execute("select id, tanggal::text, waktu::text from raw.uji__kotor order by id")
        assert rows.fetchall() == [
            (1, "2024-02-29", "2024-05-01 10:00:00.25"),
            (2, None, None),
            (3, "9999-12-31", None),
        ]


def test_keys_alone_are_read_once_whatever_dates_they_have(
    warehouse_url: str, mariadb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger remembers nothing of a reading of keys, so it does not try the type of a date."""
    monkeypatch.setenv("UJI_URL", mariadb_url)
    columns = [
        column("id", "integer", primaryKey=True, required=True),
        column("hari", "date", primaryKey=True, required=True),
        column("diubah", "timestamp", required=True),
    ]
    custom = {
        "write_disposition": "merge",
        "cursor": "diubah",
        "reconcile": "PT0S",
        "max_quarantine_share": 0.9,
    }
    doc = document("uji/kotor", columns, database("UJI_URL"), extract={"table": "kotor"}, **custom)
    contract = make(tmp_path, doc)
    url = warehouse_url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(mariadb_url)
    landed: list[tuple[bool, set[str]]] = []
    create = stage.create_landing

    def watched(plan: LoadPlan) -> sql.Composed:
        landed.append((plan.only_keys, {*plan.exact}))
        return create(plan)

    monkeypatch.setattr(stage, "create_landing", watched)
    with connect(url) as connection:
        prepare.prepare(connection, [])

        def load(*statements: str) -> Batch:
            with engine.begin() as source:
                source.execute(sa.text("set session sql_mode = 'ALLOW_INVALID_DATES'"))
                for statement in statements:
                    source.execute(sa.text(statement))
            landed.clear()
            settings = Settings(tmp_path, tmp_path, url)
            done = ingest(connection, contract, settings, url, run_id="uji", waits=AT_ONCE)
            assert done.batch is not None
            return done.batch

        load(
            "create table kotor (id int, hari date, diubah datetime(6), primary key (id, hari))",
            "insert into kotor values (1, '2024-02-29', '2024-05-01 10:00:00'), (2, '2024-03-01', '2024-05-01 10:00:00'),"
            " (3, '2024-03-02', '2024-05-01 10:00:00')",
        )
        assert landed == [(False, {"id", "hari", "diubah"})]
        batch = load(
            "delete from kotor where id = 2",
            "insert into kotor values (4, '0000-00-00', '2024-05-02 10:00:00')",
        )
        assert landed == [(False, {"id", "hari", "diubah"}), (False, {"id"}), (True, {"id"})]
        assert (batch.quarantined, batch.deleted) == (1, 1)
        alive = connection.execute("select id from raw.uji__kotor where deleted_at is null order by id")
        assert alive.fetchall() == [(1,), (3,)]


def test_a_key_that_changes_its_case_stays_one_row_if_the_contract_says_so(
    warehouse_url: str, mariadb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In MariaDB's usual collation "ab", "AB" and "ab " are one key."""
    engine = sa.create_engine(mariadb_url)
    monkeypatch.setenv("UJI_URL", mariadb_url)
    columns = [
        column("kode", primaryKey=True, parse="huruf_besar"),
        column("isi"),
        column("diubah", "timestamp", required=True),
    ]
    doc = document(
        "uji/kode", columns, database("UJI_URL"), extract={"table": "kode"}, write_disposition="merge",
        cursor="diubah", reconcile="PT0S",
    )  # fmt: skip
    contract = make(tmp_path, doc)
    url = warehouse_url.replace("postgresql://", "postgresql+psycopg://", 1)
    with engine.begin() as source:
        source.execute(
            sa.text(
                "create table kode (kode varchar(10) primary key, isi text, diubah datetime not null)"
                " collate utf8mb4_general_ci"
            )
        )
        source.execute(
            sa.text("insert into kode values ('ab', 'x', '2024-05-01'), ('cd', 'y', '2024-05-01')")
        )
    with connect(url) as connection:
        prepare.prepare(connection, [])

        def load() -> None:
            done = ingest(
                connection, contract, Settings(tmp_path, tmp_path, url), url, run_id="uji", waits=AT_ONCE
            )
            assert done.batch is not None and done.batch.error is None

        load()
        with engine.begin() as source:
            source.execute(
                sa.text("update kode set kode = 'AB ', isi = 'z', diubah = '2024-05-02' where kode = 'ab'")
            )
        load()
        rows = connection.execute(
            "select kode, isi, deleted_at is null from raw.uji__kode order by 1"
        ).fetchall()
    assert rows == [("AB", "z", True), ("CD", "y", True)]


def test_an_unreachable_mariadb_is_an_error_without_the_password(
    warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UJI_URL", "mysql+pymysql://siapa:rahasia@127.0.0.1:9/tiada")
    contract = make(
        tmp_path,
        document("uji/kotor", [column("id", "integer")], database("UJI_URL"), extract={"table": "x"}),
    )
    url = warehouse_url.replace("postgresql://", "postgresql+psycopg://", 1)
    with connect(url) as connection:
        prepare.prepare(connection, [])
        with pytest.raises(SourceError) as caught:
            ingest(connection, contract, Settings(tmp_path, tmp_path, url), url, run_id="uji", waits=AT_ONCE)
    assert "rahasia" not in str(caught.value)
