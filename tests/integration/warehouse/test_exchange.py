"""Objects that others attached to a table survive its exchange, or the load fails with their names."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import LoadError
from tests.support.contracts import column
from tests.support.loads import Loads
from tests.support.small_warehouse import SmallWarehouse

FUNCTION = "create function {} returns trigger language plpgsql as $$ begin return new; end $$"


@pytest.fixture
def table(loads: Loads) -> Contract:
    made = loads.contract(column("id", "integer", primaryKey=True), column("v"), key="uji/tukar")
    loads.load(made, lambda *_: [["1", "a"], ["2", "b"]])
    return made


def exchange(loads: Loads, contract: Contract, third: str) -> str:
    """Loads a third row, which exchanges the table, and gives the state of the load."""
    before = loads.run(f"select 'raw.{contract.table}'::regclass::oid")
    state = loads.load(contract, lambda *_: [["1", "a"], ["2", "b"], ["3", third]]).state
    assert loads.run(f"select 'raw.{contract.table}'::regclass::oid") != before
    return state


ATTACHED = {
    "triggers": "select tgname, tgenabled, obj_description(oid, 'pg_trigger'), pg_get_triggerdef(oid) from pg_trigger"
    " where not tgisinternal",
    "constraints": "select conname, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint') from pg_constraint"
    " where conrelid = 'raw.uji__tukar'::regclass and contype not in ('p', 'n')",
    "indexes": "select indexname, indexdef, obj_description(('raw.' || indexname)::regclass) from pg_indexes"
    " where schemaname = 'raw' and indexname !~ '_pkey$'",
    "statistics": "select stxname, pg_get_statisticsobjdef(oid), obj_description(oid, 'pg_statistic_ext')"
    " from pg_statistic_ext",
    "defaults": "select adrelid::regclass::text, adnum, pg_get_expr(adbin, adrelid) from pg_attrdef"
    " where adrelid in ('raw.uji__tukar'::regclass, 'public.b'::regclass)",
    "rules": "select rulename, definition from pg_rules where schemaname in ('public', 'raw')",
    "options": "select reloptions from pg_class where oid in ('raw.uji__tukar'::regclass, 'public.b'::regclass)",
}


def test_objects_attached_to_a_table_and_its_views_survive(loads: Loads, table: Contract) -> None:
    loads.run(FUNCTION.format("public.jejak()"))
    loads.run(
        "create trigger jejak after insert or update of v on raw.uji__tukar for each row execute function jejak();"
        "alter table raw.uji__tukar disable trigger jejak; comment on trigger jejak on raw.uji__tukar is 'audit';"
        "alter table raw.uji__tukar add constraint v_unik unique (v) deferrable, add constraint v_isi check (v <> ''),"
        " alter v set default 'x', alter v set not null, set (fillfactor = 90);"
        "comment on constraint v_unik on raw.uji__tukar is 'milik BI';"
        "comment on constraint v_isi on raw.uji__tukar is 'juga';"
        "create index cari_v on raw.uji__tukar (lower(v)); comment on index raw.cari_v is 'pencarian';"
        "create statistics public.id_v on id, v from raw.uji__tukar; comment on statistics public.id_v is 'bersama';"
        "create rule diam as on delete to raw.uji__tukar where false do instead nothing;"
        "create view public.a as select id, v from raw.uji__tukar;"
        "create view public.b with (security_barrier) as select id, v from public.a;"
        "create trigger masuk instead of insert on public.a for each row execute function jejak();"
        "create rule ubah as on update to public.b do instead nothing;"
        "alter view public.b alter v set default 'y'"
    )
    before = {what: sorted(map(str, loads.run(query))) for what, query in ATTACHED.items()}
    assert all(before.values())
    assert exchange(loads, table, "c") == "loaded"
    assert exchange(loads, table, "d") == "loaded"
    assert {what: sorted(map(str, loads.run(query))) for what, query in ATTACHED.items()} == before
    assert loads.run(
        "select attnotnull from pg_attribute where attrelid = 'raw.uji__tukar'::regclass and attnum = 2"
    ) == [(True,)]
    assert loads.run("select count(*) from pg_index where indrelid = 'raw.uji__tukar'::regclass") == [(3,)]


@pytest.mark.parametrize(
    ("condition", "name"),
    [("add constraint v_unik unique (v)", "v_unik"), ("add constraint v_isi check (v <> 'a!')", "v_isi")],
)
def test_rows_that_break_an_attached_constraint_fail_with_its_name(
    loads: Loads, table: Contract, condition: str, name: str
) -> None:
    loads.run(f"alter table raw.uji__tukar {condition}")
    rows = [["1", "a!"], ["2", "a!"]]
    with pytest.raises(LoadError, match=rf"uji__tukar: baris barunya melanggar constraint {name} "):
        loads.load(table, lambda *_: rows)
    assert loads.raw(table, "id", "v") == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("made", "object_", "hint", "undone"),
    [
        (
            "create materialized view public.m as select * from raw.uji__tukar",
            "materialized view public.m",
            "model",
            "drop materialized view public.m",
        ),
        (
            "create view public.v as select id from raw.uji__tukar;"
            "create materialized view public.m as select * from public.v",
            "materialized view public.m",
            "model",
            "drop materialized view public.m",
        ),
        (
            "create table public.anak (id integer references raw.uji__tukar (id))",
            "constraint anak_id_fkey on table public.anak",
            "relationships",
            "drop table public.anak",
        ),
        (
            "create function public.f() returns bigint begin atomic select count(*) from raw.uji__tukar; end",
            "function public.f()",
            "sebagai teks",
            "drop function public.f()",
        ),
        (
            "create function public.f() returns setof raw.uji__tukar language sql as 'select * from raw.uji__tukar'",
            "function public.f()",
            "sebagai teks",
            "drop function public.f()",
        ),
        (
            "create policy boleh on raw.uji__tukar using (true)",
            "policy boleh on table raw.uji__tukar",
            "view di atasnya",
            "drop policy boleh on raw.uji__tukar",
        ),
        (
            "create publication siar for table raw.uji__tukar",
            "publication of table raw.uji__tukar in publication siar",
            "terbitkan schema-nya",
            "drop publication siar",
        ),
        (
            "create table public.anak () inherits (raw.uji__tukar)",
            "table public.anak",
            "hapus, atau",
            "drop table public.anak",
        ),
    ],
)
def test_an_object_that_an_exchange_cannot_keep_is_named_with_a_hint(
    loads: Loads, table: Contract, made: str, object_: str, hint: str, undone: str
) -> None:
    loads.run(made)
    with pytest.raises(LoadError) as caught:
        loads.load(table, lambda *_: [["1", "a"], ["2", "z"]])
    assert object_ in caught.value.message and hint in (caught.value.hint or "")
    assert loads.raw(table, "id", "v") == [(1, "a"), (2, "b")]
    (error,) = loads.run("select error from ops.load_batch order by batch_id desc limit 1")
    assert object_ in error[0]
    loads.run(undone)
    assert loads.load(table, lambda *_: [["1", "a"], ["2", "z"]]).state == "loaded"


def test_default_privileges_give_no_right_on_an_exchanged_table(loads: Loads, table: Contract) -> None:
    acl = "select relacl from pg_class where oid = 'raw.uji__tukar'::regclass"
    assert loads.run(acl) == [(None,)]
    loads.run("alter default privileges in schema landing grant select on tables to public")
    loads.run("alter default privileges grant select on tables to public")
    exchange(loads, table, "c")
    seen = loads.run("select has_table_privilege('pg_read_all_stats', 'raw.uji__tukar', 'select')")
    assert seen == [(False,)]


def test_objects_of_a_removed_column_are_dropped_but_a_trigger_stops_the_load(loads: Loads) -> None:
    both = loads.contract(column("id", "integer", primaryKey=True), column("v"), column("w"), key="uji/susut")
    less = loads.contract(column("id", "integer", primaryKey=True), column("v"), key="uji/susut")
    loads.load(both, lambda *_: [["1", "a", "x"]])
    loads.run(
        "alter table raw.uji__susut add constraint w_isi check (w <> ''), add constraint v_isi check (v <> '')"
    )
    loads.run("create statistics public.st on v, w from raw.uji__susut")
    loads.run(FUNCTION.format("public.jejak()"))
    loads.run(
        "create trigger jejak before update of w on raw.uji__susut for each row execute function jejak()"
    )

    def rows(of: Contract, _: Any) -> list[list[str]]:
        return [["1", "b", "x"][: len(of.stored)]]

    with pytest.raises(LoadError, match=r"bentuk barunya merusak trigger jejak pada raw.uji__susut"):
        loads.load(less, rows)
    loads.run("drop trigger jejak on raw.uji__susut")
    assert loads.load(less, rows).state == "loaded"
    assert loads.run(
        "select conname from pg_constraint where conrelid = 'raw.uji__susut'::regclass and contype = 'c'"
    ) == [("v_isi",)]


def test_two_indexes_whose_long_names_begin_alike_survive(loads: Loads, table: Contract) -> None:
    names = [f"{'panjang' * 8}_{n:06d}" for n in range(2)]
    for name in names:
        loads.run(f"create index {name} on raw.uji__tukar (v)")
    exchange(loads, table, "c")
    found = loads.run(
        "select indexname::text from pg_indexes where schemaname = 'raw' and indexname ~ '^panjang'"
    )
    assert sorted(found) == [(name,) for name in names]


def test_constraints_attached_to_a_model_survive_its_build(small_warehouse: SmallWarehouse) -> None:
    house = small_warehouse
    house.model("angka", "select 1 as n, 'x'::text as b")
    house.build()
    house.run("alter table core.angka add primary key (n), add constraint satu check (n < 2)")
    house.run("comment on constraint satu on core.angka is 'dari BI'")
    house.model("angka", "select 1 as n, 'y'::text as b")
    assert house.build()["angka"].state == "ok"
    assert house.run(
        "select conname::text, obj_description(oid, 'pg_constraint') from pg_constraint"
        " where contype in ('p', 'c') and conrelid = 'core.angka'::regclass order by 1"
    ) == [("angka_pkey", None), ("satu", "dari BI")]
    assert house.run("select b from core.angka") == [("y",)]
