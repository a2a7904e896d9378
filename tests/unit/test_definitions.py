"""What Dagster loads: keys, groups, jobs, schedules, partitions and checks."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from pipelines.assets.check_groups import Group
from pipelines.assets.checks import Checks
from pipelines.assets.naming import raw_key
from pipelines.assets.warehouse import check_groups, is_reference, model_key
from pipelines.definitions import build_definitions
from pipelines.jobs import (
    INGEST,
    RANGE_END,
    RANGE_START,
    chain,
    hourly_schedules,
    range_tags,
    scheduled_tags,
)
from pipelines.quality.suites import suite
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import PROJECT_ROOT, load_settings
from tests.support.repository import own_contracts, own_project

SETTINGS = load_settings({})
CONTRACTS = own_contracts()


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_definitions(SETTINGS, warehouse=Warehouse(url="postgresql+psycopg://tiada"))


def test_definitions_load_and_every_dataset_is_in_the_group_of_its_opd(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)
    graph = defs.resolve_asset_graph()
    for contract in CONTRACTS:
        assert graph.get(raw_key(contract)).group_name == contract.opd
    groups = {graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert {"referensi", "staging", "core", "mart_satu_data", "mart_spbe", "publikasi"} <= groups


def test_jobs_of_the_night_have_the_steps_of_their_layer(defs: dg.Definitions) -> None:
    steps = {
        name: {n.name for n in defs.resolve_job_def(name).nodes}
        for name in ("ingest", "warehouse", "publication")
    }
    assert "referensi" in steps["ingest"] and "raw_dinkes_daily" in steps["ingest"]
    assert steps["warehouse"] == {"models"}
    assert steps["publication"] == {"open_files", "report", "dictionary"}


def test_the_night_starts_at_two_in_makassar_with_yesterdays_window(defs: dg.Definitions) -> None:
    schedule = defs.resolve_schedule_def("malam")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "Asia/Makassar")
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 11, 22, 18, tzinfo=UTC))
    (request,) = schedule.evaluate_tick(context).run_requests or []
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2026-11-21", "2026-11-22")


def test_a_dataset_that_is_promised_every_six_hours_is_loaded_every_six_hours() -> None:
    assert hourly_schedules(CONTRACTS) == []
    permits = next(c for c in CONTRACTS if c.key == "dpmptsp/izin")
    (schedule,) = hourly_schedules([replace(permits, sla={"frequency": ("6", "h")})])

    def keys(hour: int) -> list[str]:
        at = datetime(2026, 11, 22, hour, tzinfo=ZoneInfo("Asia/Makassar"))
        tick = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=at))
        return [key.to_user_string() for r in tick.run_requests or [] for key in r.asset_selection or []]

    assert [hour for hour in range(24) if keys(hour)] == [0, 6, 12, 18]
    assert keys(6) == ["raw/dpmptsp/izin"]


@pytest.mark.parametrize(
    ("loaded_until", "expected"),
    [
        (None, ("2026-09-01", "2026-11-22")),
        (date(2026, 11, 20), ("2026-11-20", "2026-11-22")),
        (date(2026, 11, 22), ("2026-11-22", "2026-11-22")),
        (date(2026, 12, 31), ("2026-11-22", "2026-11-22")),
    ],
)
def test_a_night_reads_from_the_last_loaded_day_to_yesterday(
    loaded_until: date | None, expected: tuple[str, str]
) -> None:
    tags = range_tags(CONTRACTS, INGEST, loaded_until, date(2026, 11, 23))
    assert (tags[RANGE_START], tags[RANGE_END]) == expected


def test_dataset_depends_on_reference_tables_that_its_suite_reads(defs: dg.Definitions) -> None:
    """bps/indikator_strategis has no relationship in its contract, but its suite reads core.ref_wilayah."""
    node = defs.resolve_asset_graph().get(dg.AssetKey(["raw", "bps", "indikator_strategis"]))
    assert dg.AssetKey(["core", "ref_wilayah"]) in node.parent_keys


def test_a_nights_chain_has_a_link_for_each_cadence(defs: dg.Definitions) -> None:
    assert chain(CONTRACTS) == ("ingest", "ingest_monthly", "warehouse", "publication")
    assert chain([c for c in CONTRACTS if not c.partition]) == ("ingest", "warehouse", "publication")
    steps = {n.name for n in defs.resolve_job_def("ingest_monthly").nodes}
    assert steps == {"raw_bpkad_monthly", "raw_dispar__kunjungan_wisata_monthly"}
    assert steps.isdisjoint(n.name for n in defs.resolve_job_def("ingest").nodes)


def test_the_schedule_and_its_chain_read_two_days_and_two_months() -> None:
    day = date(2027, 1, 1)
    assert scheduled_tags(CONTRACTS, "ingest", day) == {RANGE_START: "2026-12-30", RANGE_END: "2026-12-31"}
    assert scheduled_tags(CONTRACTS, "ingest_monthly", day) == {RANGE_START: "2026-12", RANGE_END: "2027-01"}
    assert scheduled_tags(CONTRACTS, "publication", day) == {}


def test_visits_have_daily_partitions_and_a_backfill_is_one_run(defs: dg.Definitions) -> None:
    node = defs.resolve_asset_graph().get(dg.AssetKey(["raw", "dinkes", "kunjungan"]))
    assert isinstance(node.partitions_def, dg.DailyPartitionsDefinition)
    assert node.backfill_policy == dg.BackfillPolicy.single_run()


def test_every_rule_of_a_dataset_is_in_one_check_that_blocks_if_a_rule_does(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for contract in CONTRACTS:
        expectations = suite(contract, SETTINGS.expectations_dir)
        groups = Checks(contract, raw_key(contract), expectations).groups
        assert sorted(r.name for g in groups for r in g.rules) == sorted(e.name for e in expectations)
        for group in groups:
            spec = graph.get_check_spec(dg.AssetCheckKey(raw_key(contract), group.name))
            assert spec.blocking == any(e.blocking for e in expectations if e.name in _names(group))


def test_every_test_and_expectation_of_a_model_is_in_one_check(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    project = own_project(suites=True)
    nodes = [node for node in project.nodes.values() if not is_reference(node)]
    assert len([node for node in nodes if node.suite]) >= 6
    for name, groups in check_groups(nodes).items():
        node = project.nodes[name]
        assert sorted(r.name for g in groups for r in g.rules) == sorted(c.name for c in node.checks)
        for group in groups:
            spec = graph.get_check_spec(dg.AssetCheckKey(model_key(node), group.name))
            assert spec.blocking == any(c.severity == "error" for c in node.checks if c.name in _names(group))


def _names(group: Group) -> set[str]:
    return {rule.name for rule in group.rules}


def test_loading_definitions_does_not_import_great_expectations() -> None:
    code = "import sys, pipelines.definitions; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=False).returncode == 0
