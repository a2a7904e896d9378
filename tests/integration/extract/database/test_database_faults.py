"""Faults between us and a source's server: the error says whether it is transient, and nothing is half-loaded."""

# ruff: noqa: S608  # the statements are the tests' own
from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from pipelines.errors import SourceError
from pipelines.extract.database import open_database
from pipelines.extract.database.session import Timing
from pipelines.extract.stream import Wanted
from pipelines.ingest import ingest
from pipelines.load import prepare
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column, database, document, make
from tests.support.databases import Source, contract, read, sqlalchemy_url
from tests.support.loads import AT_ONCE
from tests.support.servers import fresh_name
from tests.support.tcp_proxy import TcpProxy

ROWS = 8_000


SLOW_QUERY = "select a.seq as id, 'x' as isi from angka a, angka b, angka c where a.seq + b.seq = -c.seq"


@pytest.fixture
def source(source: Source) -> Source:
    """A database on each kind of server, with a table `angka` of ROWS rows."""
    series = f"generate_series(1, {ROWS}) as seq" if source.kind == "postgresql" else f"seq_1_to_{ROWS}"
    source.run(
        "create table angka (seq int, isi varchar(100))",
        f"insert into angka select seq, repeat('isi ', 20) from {series}",
    )
    return source


def test_a_connection_cut_anywhere_is_a_transient_error(source: Source) -> None:
    made = contract("seq", "isi", table="angka")
    with TcpProxy.before(source.url) as (proxy, url):
        assert len(read(made, url).rows) == ROWS
        total = proxy.given
        for size in (0, 5, 100, 2_000, total // 2, total - 2_000, total - 6, total - 1):
            proxy.cut_after(size)
            with pytest.raises(SourceError, match="uji/data: basis data uji: ") as caught:
                read(made, url)
            assert caught.value.transient, (size, caught.value)
        proxy.heal()
        assert len(read(made, url).rows) == ROWS


def test_a_refused_connection_is_a_transient_error_without_the_password(source: Source) -> None:
    made = contract("seq", table="angka")
    with TcpProxy.before(source.url) as (proxy, url):
        proxy.refuse()
        with pytest.raises(SourceError) as caught:
            read(made, url)
        assert caught.value.transient
    with pytest.raises(SourceError) as caught:  # the proxy has stopped
        read(made, sa.make_url(url).set(password="rahasia").render_as_string(hide_password=False))
    assert caught.value.transient and "rahasia" not in str(caught.value)


def test_a_source_that_stops_sending_is_a_transient_error(source: Source) -> None:
    made = contract("seq", "isi", table="angka", statement_timeout=1)
    with TcpProxy.before(source.url) as (proxy, url):
        read(made, url)
        proxy.stall_after(proxy.given // 2)
        with pytest.raises(
            SourceError, match=r"tidak mengirim apa pun|tidak menjawab dalam batas waktu"
        ) as caught:
            read(made, url, timing=Timing(grace=0.2))
        assert caught.value.transient


def test_a_server_that_never_answers_is_a_transient_error(source: Source) -> None:
    timeout = "connect_timeout=2" if source.kind == "postgresql" else "read_timeout=1"
    with TcpProxy.before(source.url) as (proxy, url):
        proxy.stall_after(0)
        with pytest.raises(SourceError) as caught:
            read(contract("seq", table="angka"), f"{url}{'&' if '?' in url else '?'}{timeout}")
        assert caught.value.transient


def test_a_statement_over_its_time_limit_is_a_permanent_error(source: Source) -> None:
    made = contract("id", "isi", query=SLOW_QUERY, statement_timeout=1, rows_per_second=100)
    with pytest.raises(SourceError, match="naikkan statement_timeout") as caught:
        read(made, source.url)
    assert not caught.value.transient
    assert "dengan 100 baris per detik itu berarti 100 baris" in str(caught.value)


def test_a_session_killed_at_the_source_is_a_transient_error(source: Source) -> None:
    made = contract("id", "isi", query=SLOW_QUERY)
    stream = open_database(made, Wanted(), {"UJI_URL": source.url})
    killer = threading.Thread(target=kill_running_session, args=(source,))
    killer.start()
    with pytest.raises(SourceError) as caught:
        list(stream.blocks)
    killer.join()
    assert caught.value.transient


def kill_running_session(source: Source) -> None:
    """Ends the session whose statement is running."""
    if source.kind == "postgresql":
        kill = (
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
            " and application_name = 'gudang' and state = 'active' and query like 'copy%'"
        )
        with psycopg.connect(source.url.replace("+psycopg", ""), autocommit=True) as admin:
            while not admin.execute(kill).fetchall():
                time.sleep(0.02)
        return
    running = (
        "select id from information_schema.processlist where db = database() and info like 'select concat%'"
    )
    with sa.create_engine(source.url, poolclass=sa.NullPool).connect() as admin:
        while not (found := admin.execute(sa.text(running)).fetchall()):
            time.sleep(0.02)
        admin.execute(sa.text(f"kill {found[0][0]}"))


def test_too_many_connections_are_transient_and_an_unknown_database_is_not(source: Source) -> None:
    made = contract("seq", table="angka")
    url, role = sa.make_url(source.url), fresh_name()
    if source.kind == "postgresql":
        source.run(f"create role {role} login connection limit 0")
        full = url.set(username=role)
    else:
        source.run(
            f"create user {role}@127.0.0.1 identified by '{url.password}' with max_connections_per_hour 1",
            f"grant select on {url.database}.* to {role}@127.0.0.1",
        )
        full = url.set(username=role)
        read(made, full.render_as_string(hide_password=False))
    try:
        with pytest.raises(SourceError, match=r"terlalu banyak koneksi|terlampaui") as caught:
            read(made, full.render_as_string(hide_password=False))
        assert caught.value.transient
    finally:
        source.run(f"drop role {role}" if source.kind == "postgresql" else f"drop user {role}@127.0.0.1")
    for wrong in (url.set(database="tiada"), url.set(username="siapa", password="rahasia")):
        with pytest.raises(SourceError) as caught:
            read(made, wrong.render_as_string(hide_password=False))
        assert not caught.value.transient and "rahasia" not in str(caught.value)


def test_an_unknown_host_is_a_permanent_error(source: Source) -> None:
    nowhere = sa.make_url(source.url).set(host="tiada.invalid").difference_update_query(["host", "port"])
    with pytest.raises(SourceError) as caught:
        read(contract("seq", table="angka"), nowhere.render_as_string(hide_password=False))
    assert not caught.value.transient or "server nama (DNS) sedang tidak menjawab" in str(caught.value)


def test_a_load_that_loses_its_source_keeps_raw_and_leaves_no_landing_table(
    source: Source, pg_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = [column("seq", "integer", primaryKey=True), column("isi")]
    made = make(tmp_path, document("uji/angka", columns, database("UJI_URL"), extract={"table": "angka"}))
    with TcpProxy.before(source.url) as (proxy, through):
        monkeypatch.setenv("UJI_URL", through)
        url = sqlalchemy_url(pg_url)
        settings = Settings(tmp_path, tmp_path, url)
        with connect(url) as connection:
            prepare.prepare(connection, [])
            ingest(connection, made, settings, url, run_id="uji", waits=AT_ONCE)
            total = proxy.given
            source.run(f"update angka set seq = seq + {ROWS}")
            for size in (total // 10, total - 3_000):
                proxy.cut_after(size)
                with pytest.raises(SourceError) as caught:
                    ingest(connection, replace(made), settings, url, run_id="uji", waits=AT_ONCE)
                assert caught.value.transient
            assert connection.execute("select count(*), max(seq) from raw.uji__angka").fetchall() == [
                (ROWS, ROWS)
            ]
            left = (
                "select count(*) from pg_class where relnamespace = 'landing'::regnamespace and relkind = 'r'"
            )
            assert connection.execute(left).fetchall() == [(0,)]
            states = connection.execute("select state from ops.load_batch order by batch_id").fetchall()
            assert states == [("loaded",), ("failed",), ("failed",)]
