"""Upgrades: a warehouse of an earlier version gets the schema of a new one, keeps its rows, and can be loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pipelines.contracts.model import Contract
from pipelines.errors import LoadError
from pipelines.load.prepare import is_prepared, prepare
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse import upgrade
from pipelines.warehouse.locks import LockPatience
from pipelines.warehouse.roles import PERSONAL
from pipelines.warehouse.upgrade import Script, applied_scripts
from tests.support.contracts import column, upload
from tests.support.loads import Loads, Row
from tests.support.servers import fresh_name

OLD = Path(__file__).parent / "data/warehouse_0_0.sql"
"""Made by version 0.0 from the datasets of `contracts`; never edited."""

PERSONS: list[Row] = [["1", "9901010101900001"], ["2", "9901014101900002"], ["3", None]]
SCHEMAS = ("ops", "quarantine", "raw", "landing", "pribadi")
CATALOGUE = {
    "schemas": "select nspname from pg_namespace where nspname = any(%(schemas)s)",
    "relations": "select relnamespace::regnamespace::text, relname, relkind::text, array(select unnest(relacl)::text order by 1),"
    " obj_description(oid, 'pg_class') from pg_class where relkind in ('r', 'v', 'S') and"
    " relnamespace::regnamespace::text = any(%(schemas)s)",
    "columns": "select attrelid::regclass::text, attname, rank() over (partition by attrelid order by attnum),"
    " format_type(atttypid, atttypmod), attnotnull, attidentity::text, pg_get_expr(adbin, adrelid),"
    " col_description(attrelid, attnum) from pg_attribute join pg_class c on c.oid = attrelid left join pg_attrdef on"
    " adrelid = attrelid and adnum = attnum where c.relkind in ('r', 'v') and attnum > 0 and not attisdropped and"
    " c.relnamespace::regnamespace::text = any(%(schemas)s)",
    "constraints": "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint where"
    " contype <> 'n' and connamespace::regnamespace::text = any(%(schemas)s)",
    "indexes": "select indexdef from pg_indexes where schemaname = any(%(schemas)s)",
    "functions": "select pg_get_functiondef(oid), proacl::text from pg_proc p where prokind = 'f' and"
    " pronamespace::regnamespace::text = any(%(schemas)s) and not exists (select from pg_depend where"
    " objid = p.oid and deptype = 'e')",
    "views": "select schemaname, viewname, definition from pg_views where schemaname = any(%(schemas)s)",
    "extensions": "select extname, extnamespace::regnamespace::text from pg_extension",
    "migrations": "select name, number, sha256, version from ops.migration",
}


def contracts(loads: Loads) -> dict[str, Contract]:
    person = column(
        "nik", classification="pribadi", pseudonymise="kunjungan", retain_original="UU 23/2006, pasal 84"
    )
    key = column("id", "integer", primaryKey=True)
    changed = column("diubah", "timestamp", required=True)
    merge: dict[str, Any] = {"write_disposition": "merge"}
    csv = {"format": "csv", "pattern": "*"}
    server = upload("uji/berkas", "csv")
    made = [
        loads.contract(key, person, key="uji/orang"),
        loads.contract(
            column("kunci", primaryKey=True),
            column("nilai", "integer"),
            changed,
            key="uji/ubah",
            cursor="diubah",
            max_quarantine_share=0.9,
            **merge,
        ),
        loads.contract(key, column("v"), key="uji/versi", merge_strategy="scd2", **merge),
        loads.contract(
            key,
            column("jumlah", "integer"),
            key="uji/berkas",
            server=server,
            extract=csv,
            max_quarantine_share=1,
        ),
    ]
    return {contract.key: contract for contract in made}


def catalogue(loads: Loads) -> dict[str, list[str]]:
    """The rows of each query of CATALOGUE, as text."""
    found: dict[str, list[str]] = {}
    for name, query in CATALOGUE.items():
        rows = loads.connection.execute(query.encode(), {"schemas": list(SCHEMAS)}).fetchall()
        # The number of a load is in the name of a primary key.
        found[name] = sorted(re.sub(r"__\d+_pkey", "__N_pkey", repr(row)) for row in rows)
    return found


def rows(loads: Loads) -> dict[str, list[str]]:
    """The rows of each table as text, without names of columns, and without NULLs at the end: new columns are there."""
    tables = loads.run(
        "select schemaname, tablename from pg_tables where schemaname in ('ops', 'quarantine', 'raw', 'pribadi')"
        " and tablename <> 'migration'"
    )
    found: dict[str, list[str]] = {}
    for schema, table in tables:
        query = sql.SQL("select t::text from {} t order by 1").format(sql.Identifier(schema, table))
        found[f"{schema}.{table}"] = [
            row.removesuffix(")").rstrip(",") for (row,) in loads.connection.execute(query).fetchall()
        ]
    return found


@pytest.fixture
def old(pg_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loads]:
    """The old warehouse, as it was restored."""
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
    with psycopg.connect(pg_url, autocommit=True) as connection:
        if not connection.execute("select 1 from pg_roles where rolname = %s", [PERSONAL]).fetchone():
            connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(PERSONAL)))
        connection.execute(OLD.read_bytes())
    made = Loads(pg_url, tmp_path, prepared=True)
    yield made
    made.connection.close()


@pytest.fixture
def fresh(warehouse_url: str, tmp_path: Path) -> Iterator[Loads]:
    """A warehouse of this version."""
    made = Loads(warehouse_url, tmp_path)
    yield made
    made.connection.close()


def test_an_old_warehouse_becomes_like_a_new_one_and_keeps_its_rows(old: Loads, fresh: Loads) -> None:
    before = rows(old)
    assert sum(map(len, before.values())) > 35
    for loads in (old, fresh):
        prepare(loads.connection, contracts(loads).values())
    before.pop("ops.contract")  # it is written anew at every start
    assert {table: held for table, held in rows(old).items() if table in before} == before
    # The old warehouse has this grant.
    fresh.run(f"grant select on ops.load_batch to {PERSONAL}")
    for loads in (old, fresh):  # the first load adds comments on raw tables and the table of originals
        made = contracts(loads)
        loads.load(made["uji/orang"], lambda *_: PERSONS)
        loads.load(made["uji/ubah"], lambda *_: [["a", "1", "2024-05-03"]])
        loads.load(made["uji/versi"], lambda *_: [["1", "b"], ["2", "a"]])
        loads.load(made["uji/berkas"], lambda *_: [["1", "10"]], file="data.csv")
    new = catalogue(fresh)
    for name, found in catalogue(old).items():
        assert found == new[name], name


def test_loads_go_on_in_an_upgraded_warehouse(old: Loads) -> None:
    made = contracts(old)
    prepare(old.connection, made.values())
    of_persons = old.run("select id, nik from raw.uji__orang")
    assert old.load(made["uji/orang"], lambda *_: PERSONS).unchanged == 3
    assert old.run("select id, nik from core.orang") == of_persons, "a view of others on raw"
    seen: list[str | None] = []

    def since(_: Contract, cursor: str | None) -> list[Row]:
        seen.append(cursor)
        return [["b", "2", "2024-05-02"]]

    assert old.load(made["uji/ubah"], since).loaded == 1
    assert seen == ["2024-05-01T00:00:00"]
    assert old.run("select state from quarantine.row where dataset = 'uji/ubah'") == [("resolved",)]
    assert old.run("select rule, value from ops.quarantine_reason where dataset = 'uji/berkas'") == [
        ("tipe", "sepuluh")
    ]
    old.load(made["uji/versi"], lambda *_: [["1", "c"], ["2", "a"]])
    assert old.run("select v from raw.uji__versi where id = 1 order by valid_from") == [
        ("a",),
        ("b",),
        ("c",),
    ]
    assert old.run("select event, reason from ops.publication_log where mart = 'lama'") == [
        ("ditarik", "mart tidak terbuka lagi")
    ]


def test_a_start_with_nothing_to_do_runs_no_script(loads: Loads) -> None:
    ran = loads.run("select * from ops.migration order by name")
    prepare(loads.connection, [])
    assert loads.run("select * from ops.migration order by name") == ran


def test_functions_and_views_are_created_again_when_their_text_changed(loads: Loads) -> None:
    loads.run(
        "update ops.migration set sha256 = 'dulu' where name in ('views/ledger.sql', 'functions/checks.sql')"
    )
    loads.run("create or replace function ops.cek_nib(t text) returns boolean language sql return false")
    loads.run("delete from ops.migration where name = 'functions/loading.sql'")
    loads.run("drop function ops.kunci_ringkas")
    prepare(loads.connection, [])
    assert loads.run("select ops.cek_nib('1234567890123'), ops.kunci_ringkas('a')") == [(True, "a")]
    assert loads.run("select from ops.migration where sha256 = 'dulu'") == []


def test_a_changed_text_of_a_migration_that_ran_is_refused(loads: Loads) -> None:
    loads.run("update ops.migration set sha256 = repeat('0', 64) where number = 1")
    with pytest.raises(LoadError, match=r"migrasi 001_\w+\.sql sudah dijalankan di sini dengan isi lain"):
        prepare(loads.connection, [])


def test_a_newer_warehouse_is_refused(loads: Loads) -> None:
    loads.run(
        "insert into ops.migration (name, number, sha256, version) values ('999_nanti.sql', 999, 'x', '9.9')"
    )
    with pytest.raises(LoadError, match=r"lebih baru daripada program ini: 999_nanti\.sql tidak dikenal"):
        prepare(loads.connection, [])


def test_a_failed_migration_is_rolled_back_and_earlier_ones_stay(loads: Loads) -> None:
    own = upgrade.migrations()
    good = Script("901_baik.sql", "create table ops.baik (n integer); insert into ops.baik values (1)", 901)
    bad = Script("902_buruk.sql", "create table ops.buruk (n integer); select 1 / 0", 902)
    for _ in range(2):
        with pytest.raises(psycopg.errors.DivisionByZero):
            upgrade.upgrade(loads.connection, known=[*own, good, bad])
        assert loads.run("select to_regclass('ops.buruk'), (select count(*) from ops.baik)") == [(None, 1)]
    fixed = Script("902_buruk.sql", "create table ops.buruk (n integer)", 902)
    assert upgrade.upgrade(loads.connection, known=[*own, good, fixed]) == ["902_buruk.sql"]


def test_an_upgrade_gives_up_behind_a_reader_and_can_be_run_again(old: Loads) -> None:
    impatient = LockPatience(total=0.5, attempt=0.1, pause=0.05)
    with psycopg.connect(old.url.replace("+psycopg", "")) as reader:
        reader.execute("select count(*) from ops.publication_log")
        with pytest.raises(
            LoadError, match=r"sesi lain memegang tabel gudang data sendiri lebih dari 0\.5 detik"
        ):
            prepare(old.connection, [], patience=impatient)
    prepare(old.connection, [])
    assert old.run("select count(*) from ops.migration where number is not null") == [
        (len(upgrade.migrations()),)
    ]


def test_a_warehouse_is_prepared_when_no_script_is_due(old: Loads, fresh: Loads) -> None:
    assert not is_prepared(old.connection), "migrations have to run"
    prepare(old.connection, [])
    assert is_prepared(old.connection) and is_prepared(fresh.connection)
    fresh.run("update ops.migration set sha256 = 'dulu' where name = 'functions/checks.sql'")
    assert not is_prepared(fresh.connection), "a function is of another version"


def test_an_earlier_warehouse_is_prepared_at_its_first_use(old: Loads) -> None:
    with Warehouse(url=old.url, project=str(PROJECT_ROOT)).connect() as connection:
        assert len(applied_scripts(connection) or []) > len(upgrade.migrations())


def test_the_lists_of_tables_and_schemas_are_complete(fresh: Loads) -> None:
    made = fresh.run(
        "select schemaname || '.' || tablename from pg_tables where schemaname in ('ops', 'quarantine') order by 1"
    )
    assert [name for (name,) in made] == list(upgrade.TABLES)
    schemas = fresh.run(
        "select nspname from pg_namespace where nspname !~ '^pg_' and nspname not in ('public', 'information_schema')"
    )
    assert {name for (name,) in schemas} == set(upgrade.SCHEMAS)


def test_a_role_that_may_not_migrate_records_no_migration(old: Loads) -> None:
    owner, other = fresh_name(), fresh_name()
    database = old.connection.info.dbname
    for role in (owner, other):
        old.run(f"create role {role}")
        old.run(f"grant usage, create on schema ops to {role}; grant create on database {database} to {role}")
    old.run(f"alter database {database} owner to {owner}; alter schema ops owner to {owner}")
    old.run(f"alter schema quarantine owner to {owner}; grant {PERSONAL} to {owner} with admin option")
    for schema, kind, name in old.run(
        "select n.nspname, case relkind when 'v' then 'view' else 'table' end, relname from pg_class as c"
        " join pg_namespace as n on n.oid = relnamespace where nspname in ('ops', 'quarantine') and relkind in ('r', 'v')"
    ):
        old.run(f'alter {kind} {schema}."{name}" owner to {owner}')
    functions = old.run(
        "select oid::regprocedure::text from pg_proc where pronamespace = 'ops'::regnamespace"
    )
    for (function,) in functions:
        old.run(f"alter routine {function} owner to {owner}")
    try:
        old.run(f"set role {other}")
        with pytest.raises(LoadError, match="tidak berhak membuat"):
            prepare(old.connection, [])
        assert applied_scripts(old.connection) is None
        old.run(f"set role {owner}")
        prepare(old.connection, [])
        assert is_prepared(old.connection)
        old.run(f"set role {other}")
        assert not is_prepared(old.connection), "ops.migration may not be read"
        with pytest.raises(LoadError, match="tidak berhak membuat"):
            prepare(old.connection, [])
    finally:
        old.run("reset role")
        old.run(f"reassign owned by {owner}, {other} to current_user; drop owned by {owner}, {other}")
        old.run(f"drop role {owner}, {other}")


@pytest.mark.parametrize(
    "loss",
    ["drop table ops.migration", "delete from ops.migration", "delete from ops.migration where number > 1"],
)
def test_a_lost_list_of_migrations_is_refused_before_a_table_is_changed(loads: Loads, loss: str) -> None:
    columns = (CATALOGUE["columns"].encode(), {"schemas": ["ops"]})
    loads.run(loss)
    before = loads.connection.execute(*columns).fetchall()
    for _ in range(2):
        with pytest.raises(
            LoadError, match=r"lebih baru daripada migrasi yang tercatat .*pulihkan juga ops\.migration"
        ):
            prepare(loads.connection, [])
    assert loads.connection.execute(*columns).fetchall() == before


def test_a_migration_that_does_not_fit_the_tables_is_named(loads: Loads) -> None:
    again = Script("901_lagi.sql", "alter table ops.load_batch add column state text", 901)
    with pytest.raises(
        LoadError, match=r"migrasi 901_lagi\.sql tidak cocok dengan tabel yang ada: column \"state\""
    ):
        upgrade.upgrade(loads.connection, known=[*upgrade.migrations(), again])


def test_dropped_schemas_are_created_again(loads: Loads) -> None:
    loads.run("drop schema landing, core cascade")
    prepare(loads.connection, [])
    contract = loads.contract(column("id", "integer"))
    assert loads.load(contract, lambda *_: [["1"]]).loaded == 1
    assert loads.run("select to_regnamespace('core') is not null") == [(True,)]


def test_a_dropped_table_of_ops_is_named(loads: Loads) -> None:
    loads.run("drop table ops.empty_window, ops.watermark")
    with pytest.raises(
        LoadError, match=r"tabel ops\.empty_window, ops\.watermark tidak ada, .*--table=ops\.empty_window"
    ):
        prepare(loads.connection, [])


def test_the_similarity_script_gives_up_waiting_for_a_lock(loads: Loads) -> None:
    impatient = LockPatience(total=0.3, attempt=0.1, pause=0.05)
    with psycopg.connect(loads.url.replace("+psycopg", "")) as other:
        other.execute(
            "create or replace function ops.kemiripan(a text, b text) returns real language sql return 0.5::real"
        )
        loads.run("set statement_timeout = '10s'")
        with pytest.raises(LoadError, match=r"lebih dari 0\.3 detik"):
            prepare(loads.connection, [], patience=impatient)
