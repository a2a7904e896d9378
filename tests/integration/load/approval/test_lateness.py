"""An approval that is awaited for too long is late by us: operators are told, and the OPD is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.alerts.of_ledger import dataset_problems
from pipelines.alerts.problem import OF_DATASET
from pipelines.cli.data.status import waiting_lines
from pipelines.contracts.model import Contract
from pipelines.datasets import Datasets
from pipelines.load import prepare
from pipelines.load.approval.decide import APPROVED, Decision, decide
from pipelines.quality.freshness import freshness
from tests.support.contracts import column
from tests.support.loads import Loads

DAY = timedelta(days=1)


@pytest.fixture
def held(loads: Loads) -> Contract:
    """A dataset that is promised daily, and of which a load has waited for three days."""
    contract = loads.contract(
        column("id", "integer", primaryKey=True), approval="required", frequency={"value": 1, "unit": "d"}
    )
    prepare.prepare(loads.connection, [contract])
    loads.load(contract, lambda *_: [("1",)])
    loads.run("update ops.load_approval set waiting_since = waiting_since - interval '3 days'")
    return contract


def kinds(loads: Loads, contract: Contract, until: datetime) -> list[str]:
    problems = dataset_problems(loads.connection, Datasets((contract,)), until - DAY, until)
    return [problem.kind for problem in problems]


def test_operators_are_told_of_what_waits_too_long_and_no_opd(loads: Loads, held: Contract) -> None:
    now = datetime.now(UTC)
    assert kinds(loads, held, now) == ["undecided"] and "undecided" not in OF_DATASET
    assert kinds(loads, held, now - 1.5 * DAY) == []
    decide(loads.connection, [held], Decision(1, APPROVED, "siti", "cli"))
    assert kinds(loads, held, now) == []


def test_freshness_says_that_it_waits_for_us(loads: Loads, held: Contract) -> None:
    state = freshness(loads.connection, [held])[held.key]
    assert not state.is_fresh and "Terlambat oleh walidata: kiriman menunggu persetujuan sejak" in (
        state.result.message or ""
    )
    assert "Terlambat" not in (replace(state, waiting_since=None).result.message or "")  # nothing ever came


def test_the_wait_for_our_approval_is_not_the_opds_lateness(loads: Loads, held: Contract) -> None:
    loads.run("update ops.load_batch set started_at = started_at - interval '3 days'")
    decide(loads.connection, [held], Decision(1, APPROVED, "siti", "cli"))
    ((read_at,),) = loads.run("select started_at from ops.load_batch")
    assert loads.run("select arrived_at, known_at from ops.arrival") == [(read_at, read_at)]
    assert loads.state(held, "arrived_at", "changed_at > arrived_at") == (read_at, True)


def test_status_names_what_waits(loads: Loads, held: Contract) -> None:
    (line,) = waiting_lines(loads.url, [held.key])
    assert line.startswith("1: uji/data") and line.endswith(
        "1 baris baru, 0 berubah, 0 sama, 0 dihapus, 0 dikarantina"
    )
