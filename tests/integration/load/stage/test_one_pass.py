"""The stage's one pass with parallel workers: the same rows, refused rows and counts as without them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from psycopg import sql

from pipelines.contracts.model import Contract
from pipelines.load.plan import LoadPlan
from pipelines.load.stage import one_pass, statement
from pipelines.quality.gate import GateResult
from tests.support.contracts import column
from tests.support.loads import Loads, Row, Rows

PARALLEL = (
    "set min_parallel_table_scan_size = 0; set parallel_setup_cost = 0; set parallel_tuple_cost = 0;"
    " set max_parallel_workers_per_gather = 2"
)
SERIAL = "set max_parallel_workers_per_gather = 0"
TEXTS = ["  Balikpapan", "Kutai\tKartanegara", "Berau", "", "Pa\u0301ser", "a\u200bb", "x" * 40, None]
NUMBERS = ["1.234,5", "12", "-7,25", "dua", "1e400", "", "  3 ", "99999999", None]
DAYS = ["2024-01-31", "31/01/2024", "2024-02-30", "kemarin", "1899-01-01", None]


def rows_of(seed: int, count: int) -> list[Row]:
    """Rows of which each cell is drawn from what is right, what a repair mends, and what is refused; some keys twice."""
    draw = random.Random(seed)
    return [
        [str(draw.randrange(count)), draw.choice(TEXTS), draw.choice(NUMBERS), draw.choice(DAYS)]
        for _ in range(count)
    ]


def contract_of(loads: Loads) -> Contract:
    return loads.contract(
        column("id", "integer", primaryKey=True),
        column("nama", parse=["teks"], missing_values=["Berau"], logicalTypeOptions={"maxLength": 30}),
        column(
            "nilai", "numeric(8,1)", parse=["angka_id", "bulatkan"], logicalTypeOptions={"maximum": 100000}
        ),
        column("hari", "date", parse=["tanggal_id"], logicalTypeOptions={"minimum": "1900-01-01"}),
    )


def result(loads: Loads, contract: Contract, rows: Rows, setting: str) -> dict[str, Any]:
    """What a full load leaves under a setting of the session: raw, quarantine, counts of repairs."""
    loads.run("truncate raw.uji__data; truncate quarantine.row")
    loads.connection.execute(setting.encode())
    batch = loads.load(contract, rows, full_refresh=True)
    return {
        "counts": (batch.read, batch.loaded, batch.quarantined),
        "raw": loads.run("select id, nama, nilai::text, hari from raw.uji__data order by id"),
        "quarantine": loads.run(
            "select row_key, row::text, reasons::text from quarantine.row order by row_hash"
        ),
        "repairs": loads.run(
            "select column_name, repair, rows from ops.load_repair where batch_id ="
            " (select max(batch_id) from ops.load_batch) order by 1, 2"
        ),
    }


@pytest.mark.parametrize("seed", range(3))
def test_parallel_workers_leave_the_same_rows_and_counts(loads: Loads, seed: int) -> None:
    contract, rows = contract_of(loads), rows_of(seed, 3000)
    loads.load(contract, lambda *_: rows[:1])
    serial = result(loads, contract, lambda *_: rows, SERIAL)
    assert serial["counts"][2] > 500 and len(serial["repairs"]) == 5
    assert result(loads, contract, lambda *_: rows, PARALLEL) == serial


@pytest.mark.parametrize("limit", ["FEW", "LISTED"])
def test_more_refused_rows_or_landed_ones_than_are_listed_leave_the_same(
    loads: Loads, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract, rows = contract_of(loads), rows_of(7, 3000)
    loads.load(contract, lambda *_: rows[:1])
    listed = result(loads, contract, lambda *_: rows, PARALLEL)
    monkeypatch.setattr(one_pass, limit, 100)
    assert result(loads, contract, lambda *_: rows, PARALLEL) == listed


def with_everything(loads: Loads) -> Contract:
    """A contract with a pseudonym, and more repairs than a column of marks has bits."""
    return loads.contract(
        column("id", "integer", primaryKey=True),
        column("nik", classification="pribadi", pseudonymise="kesehatan"),
        *(column(f"k{number}", parse=["teks"]) for number in range(31)),
    )


def evolving(loads: Loads) -> Contract:
    """A contract that takes unknown columns."""
    return loads.contract(column("id", "integer", primaryKey=True), schema_contract="evolve")


def plan_of_stage(loads: Loads, contract: Contract, setting: str) -> str:
    """What PostgreSQL says of the statement that makes the stage."""
    plan = LoadPlan(contract, 99)
    loads.connection.execute(statement.create_landing(plan))
    loads.connection.execute(setting.encode())
    explained = loads.connection.execute(sql.SQL("explain {}").format(one_pass.create_stage(plan)))
    lines = [line for (line,) in explained.fetchall()]
    loads.connection.execute(sql.SQL("drop table {}").format(plan.landing))
    return "\n".join(lines)


@pytest.mark.parametrize("contract", [contract_of, with_everything, evolving])
def test_whole_stage_is_made_by_the_workers(loads: Loads, contract: Callable[[Loads], Contract]) -> None:
    """Repairs, rules and pseudonyms are below the node Gather. Casts alone may be above it."""
    first, second, *_ = plan_of_stage(loads, contract(loads), PARALLEL).splitlines()
    assert "Gather" in first + second
    assert "Gather" not in plan_of_stage(loads, contract(loads), SERIAL)


@pytest.mark.parametrize(
    ("setting", "during"), [(PARALLEL, "off"), (SERIAL, "on"), ("set max_parallel_workers = 1", "on")]
)
def test_the_process_that_writes_computes_rows_only_where_it_must(
    setting: str, during: str, loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two workers it only takes their rows. Whoever comes after it in the session finds it as it was."""
    made = one_pass.create_stage
    asked = sql.SQL(
        "{}; create temporary table asked as select current_setting('parallel_leader_participation') as leader"
    )
    monkeypatch.setattr(one_pass, "create_stage", lambda plan: asked.format(made(plan)))
    loads.run(f"set min_parallel_table_scan_size = 0; {setting}")
    seen: list[Any] = []

    def look(_: Any) -> GateResult:
        seen.append(loads.run("select leader, current_setting('parallel_leader_participation') from asked"))
        return GateResult(())

    loads.load(contract_of(loads), lambda *_: rows_of(1, 100), gate=look)
    assert seen == [[(during, "on")]]


def test_pseudonyms_and_repairs_of_a_second_column_of_marks_come_from_workers(
    loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
    contract = with_everything(loads)
    rows: list[Row] = [
        [str(n), f"990101010190{n:04}", *["bersih"] * 30, " kotor " if n % 2 else "bersih"]
        for n in range(2000)
    ]
    left: list[Any] = []
    for setting in (SERIAL, PARALLEL):
        loads.connection.execute(setting.encode())
        batch = loads.load(contract, lambda *_: rows, full_refresh=True)
        repaired = loads.run(
            f"select column_name, rows from ops.load_repair where batch_id = {batch.batch_id}"  # noqa: S608
        )
        assert (batch.quarantined, repaired) == (0, [("k30", 1000)])
        left.append(loads.run("select id, nik, k30 from raw.uji__data order by id"))
    assert left[0] == left[1] and len({nik for _, nik, _ in left[0]}) == 2000


def test_stage_of_refused_rows_alone_is_empty_and_has_no_marks(loads: Loads) -> None:
    contract = contract_of(loads)
    seen: list[Any] = []

    def look(staged: Any) -> GateResult:
        seen.append(loads.run(f"select * from landing.{staged.table}"))  # noqa: S608
        seen.append(loads.connection.execute(b"select * from pg_temp.rejected_rows").fetchall())
        return GateResult(())

    batch = loads.load(contract, lambda *_: [["x", "a", "1", None], ["y", "b", "2", None]], gate=look)
    assert (batch.loaded, batch.quarantined) == (0, 2)
    assert seen == [[], [("(0,1)",), ("(0,2)",)]]
