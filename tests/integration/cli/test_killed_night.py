"""A night that is killed while it loads, on a part of the province's project: the next night repairs all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.jobs import chain
from tests.support.contracts import load_contracts
from tests.support.night import Night
from tests.support.part_of_project import copy_part
from tests.support.servers import short_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DATASETS = ("dinkes/kunjungan", "dinkes/puskesmas", "disdikbud/sma", "dlh/ispu")
"""Two tables of a database, an upload, and an API."""


def test_a_night_killed_in_a_load_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    project = tmp_path / "proyek"
    copy_part(project, DATASETS)
    jobs = chain(load_contracts(project / "contracts"))
    with short_folder() as first, short_folder() as second:
        undisturbed, night = Night(first / "home", project), Night(second / "home", project)
        try:
            undisturbed.run()
            killed = night.killed_in_a_load()
            night.run()
            content = undisturbed.content()
            assert {name for name in content if name.startswith("raw.")} == {
                f"raw.{dataset.replace('/', '__')}" for dataset in DATASETS
            }
            assert content["mart_satu_data.layanan_kesehatan_bulanan"][0] > 0
            assert night.content() == content
            states = dict(night.ask("select batch_id, state from ops.load_batch"))
            assert states.pop(killed) == "died"
            assert list(states.values()) == ["loaded"] * len(DATASETS)
            assert night.ask("select count(*) from pg_tables where schemaname = 'landing'") == [(0,)]
            runs = night.ask("select status from runs order by id", database="dagster")
            assert runs == [("FAILURE",), *[("SUCCESS",)] * len(jobs)]
        finally:
            undisturbed.stop()
            night.stop()
