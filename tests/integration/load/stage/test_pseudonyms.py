"""Personal columns: which values reach a lasting table, under which key, and who may see an original."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import ContractError
from pipelines.load import prepare
from pipelines.quality.gate import GateResult
from pipelines.quality.results import CheckResult
from pipelines.settings import PROJECT_ROOT
from tests.support.contracts import column
from tests.support.faulted import wait_for_nobody
from tests.support.loads import Loads, Row

NIK = ["9901010101900001", "9901014101900002", "9901010101900003"]
ROWS: list[Row] = [["1", NIK[0]], ["2", NIK[1]], ["3", None]]


@pytest.fixture
def loads(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loads]:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
    made = Loads(warehouse_url, tmp_path)
    yield made
    made.connection.close()


def people(loads: Loads, *, retain: str | None = None, **custom: Any) -> Contract:
    more = {"retain_original": retain} if retain else {}
    nik = column("nik", classification="pribadi", pseudonymise="kunjungan", **more)
    return loads.contract(column("id", "integer", primaryKey=True), nik, **custom)


def pseudonym(nik: str, key: str = "k" * 32) -> str:
    """HMAC-SHA-256 of purpose, unit separator and value, computed by Python's hmac."""
    return hmac.new(key.encode(), f"kunjungan\x1f{nik}".encode(), hashlib.sha256).hexdigest()


def test_originals_land_where_only_the_loader_reads_them(loads: Loads) -> None:
    """Also if the database gives others rights on every new table."""
    loads.run("alter default privileges grant select on tables to pg_monitor, public")
    seen: dict[str, Any] = {}

    def inspect(_: Any) -> GateResult:
        seen["landing"] = loads.run(
            "select relpersistence::text, has_table_privilege('pg_monitor', oid, 'select'),"
            " (select count(*) from aclexplode(relacl) where grantee <> relowner)"
            " from pg_class where relname like 'uji\\_\\_data%landing'"
        )
        seen["stage"] = loads.run("select * from landing.uji__data__1_stage")
        return GateResult(())

    try:
        loads.load(people(loads), lambda *_: ROWS, gate=inspect)
    finally:
        loads.run("alter default privileges revoke select on tables from pg_monitor, public")
    assert seen["landing"] == [("u", False, 0)]
    assert len(seen["stage"]) == 3 and NIK[0] not in str(seen["stage"])
    assert loads.raw(people(loads), "id", "nik") == [
        (1, pseudonym(NIK[0])),
        (2, pseudonym(NIK[1])),
        (3, None),
    ]


def test_originals_of_a_killed_load_are_dropped_by_the_next_start_without_their_contract(
    loads: Loads,
) -> None:
    contract = people(loads)
    rows = json.dumps([["1", NIK[0]], ["2", NIK[1]]])
    command = [sys.executable, "-m", "tests.support.doomed", loads.url, str(contract.path), "check", rows]
    assert subprocess.run(command, cwd=PROJECT_ROOT, check=False).returncode == -signal.SIGKILL
    landing = "select count(*) from pg_class where relname like 'uji\\_\\_data%landing'"
    assert loads.run(landing) == [(1,)]
    wait_for_nobody(loads)
    prepare.prepare(loads.connection, [])
    assert loads.run(landing) == [(0,)]


def test_a_purpose_needs_its_own_key_or_the_common_one(loads: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = people(loads)
    own = "o" * 40
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY_KUNJUNGAN", own)
    loads.load(contract, lambda *_: ROWS)
    assert loads.raw(contract, "id", "nik")[0] == (1, pseudonym(NIK[0], own))
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY_KUNJUNGAN", "short")
    with pytest.raises(ContractError, match="GUDANG_PSEUDONYM_KEY_KUNJUNGAN lebih pendek dari 32") as caught:
        loads.load(contract, lambda *_: ROWS)
    assert "short" not in str(caught.value)
    monkeypatch.delenv("GUDANG_PSEUDONYM_KEY_KUNJUNGAN")
    monkeypatch.delenv("GUDANG_PSEUDONYM_KEY")
    with pytest.raises(
        ContractError, match="GUDANG_PSEUDONYM_KEY_KUNJUNGAN maupun GUDANG_PSEUDONYM_KEY belum diisi"
    ):
        loads.load(contract, lambda *_: ROWS)
    assert len(loads.raw(contract)) == 3


def test_a_load_without_its_key_is_noted_as_failed(loads: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = people(loads)
    loads.load(contract, lambda *_: ROWS)
    monkeypatch.delenv("GUDANG_PSEUDONYM_KEY")
    with pytest.raises(ContractError, match="belum diisi"):
        loads.load(contract, lambda *_: ROWS)
    assert loads.state(contract, "last_state") == ("failed",)
    noted = loads.run(
        "select state, code, error like '%belum diisi%', failure from ops.load_batch order by batch_id"
    )
    assert noted == [("loaded", None, None, None), ("failed", "GDK-K021", True, None)]


def test_another_key_stops_a_merge_until_a_full_refresh(
    loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = people(loads, write_disposition="merge")
    loads.load(contract, lambda *_: ROWS)
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "n" * 32)
    with pytest.raises(ContractError, match=r"satu orang akan menjadi dua.*gudang reload uji/data"):
        loads.load(contract, lambda *_: ROWS)
    assert loads.raw(contract, "id", "nik")[0] == (1, pseudonym(NIK[0]))
    assert loads.load(contract, lambda *_: ROWS, full_refresh=True).loaded == 2
    assert loads.raw(contract, "id", "nik")[0] == (1, pseudonym(NIK[0], "n" * 32))
    assert loads.load(contract, lambda *_: ROWS).state == "unchanged"
    kept = str(loads.run("select * from ops.pseudonym_key"))
    assert "nnnn" not in kept and len(loads.run("select * from ops.pseudonym_key")) == 1


def test_a_replace_accepts_a_new_key(loads: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = people(loads)
    loads.load(contract, lambda *_: ROWS)
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "n" * 32)
    loads.load(contract, lambda *_: ROWS)
    assert loads.raw(contract, "id", "nik")[0] == (1, pseudonym(NIK[0], "n" * 32))


def test_retained_originals_are_for_one_role_and_deleted_with_their_rows(loads: Loads) -> None:
    contract = people(loads, retain="Permenkes 24/2022 pasal 27")
    prepare.prepare(loads.connection, [contract])
    loads.load(contract, lambda *_: ROWS)
    query = "select kolom, pseudonim, asli from pribadi.uji__data order by batch_id, asli"
    assert loads.run(query) == [("nik", pseudonym(n), n) for n in NIK[:2]]
    loads.load(contract, lambda *_: [["2", NIK[1]], ["4", NIK[2]]])
    assert loads.run(query) == [("nik", pseudonym(n), n) for n in (NIK[1], NIK[2])]
    rejected = loads.load(contract, lambda *_: [["9", NIK[0]]], gate=reject)
    assert rejected.state == "rejected" and len(loads.run(query)) == 2
    for role, allowed in (("pembaca_uji", False), ("gudang_pribadi", True)):
        loads.run(f"do $$ begin create role {role}; exception when duplicate_object then null; end $$")
        loads.run(f"grant usage on schema raw to {role}")
        assert loads.run(
            f"select has_schema_privilege('{role}', 'pribadi', 'usage')"
            f" and has_table_privilege('{role}', 'pribadi.uji__data', 'select')"
        ) == [(allowed,)]


def reject(_: Any) -> GateResult:
    return GateResult((CheckResult("uji", "error", False, message="tidak"),))


@pytest.mark.parametrize("where", ["landing", "gate"])
def test_a_load_that_dies_leaves_no_personal_value_behind(loads: Loads, where: str) -> None:
    contract = people(loads)

    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    def read(*_: Any) -> Iterator[Row]:
        yield from ROWS
        if where == "landing":
            interrupt()

    with pytest.raises(KeyboardInterrupt):
        loads.load(contract, read, gate=interrupt)
    loads.connection.close()
    with psycopg.connect(loads.url.replace("+psycopg", "")) as other:
        tables = other.execute(
            "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where c.relkind = 'r' and (n.nspname in ('landing', 'raw', 'quarantine', 'ops') or n.nspname like 'pg_temp%')"
        ).fetchall()
        stored = [other.execute(f"select t::text from {name} t".encode()).fetchall() for (name,) in tables]  # noqa: S608
    assert tables and NIK[0] not in str(stored)


def test_a_server_that_logs_everything_logs_no_key_and_no_personal_value(
    loads: Loads, tmp_path: Path, warehouse_url: str
) -> None:
    (name,) = loads.run("select current_database()")[0]
    for setting in (
        "log_statement = 'all'",
        "log_min_duration_statement = 0",
        "log_error_verbosity = verbose",
    ):
        loads.run(f"alter database {name} set {setting}")
    log_text = "select pg_read_file(pg_current_logfile())"
    before = len(loads.run(log_text)[0][0])
    logged = Loads(warehouse_url, tmp_path)
    contract = people(logged)
    logged.load(contract, lambda *_: ROWS)
    logged.connection.close()
    assert len(loads.raw(contract, "id", "nik")) == 3
    log = loads.run(log_text)[0][0][before:]
    assert "ops.pseudonim" in log and "duration:" in log and "Parameters" in log
    secrets = [bytes(byte ^ pad for byte in b"k" * 32).hex() for pad in (0, 0x36, 0x5C)]
    assert [secret for secret in [*secrets, "k" * 32, *NIK] if secret in log] == []
