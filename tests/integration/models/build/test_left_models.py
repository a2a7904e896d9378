"""Models that could not have changed are left, and what is in use is what a build of everything gives (adr/036)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.models.build.runner import build
from tests.support.changing_project import EAST, FIRST, WEST, ChangingProject
from tests.support.templates import Templates

OF_EVENTS = {"stg_kejadian", "gabung", "jumlah", "puncak", "lihat", "pembaca_lihat", "harian", "kali"}
OF_PERSONS = {"stg_orang", "hari_ini", "orang"}


@pytest.fixture
def made(warehouse_url: str, tmp_path: Path) -> Iterator[ChangingProject]:
    """The project, built until nothing is due."""
    project = ChangingProject(warehouse_url, tmp_path)
    assert project.built() == OF_EVENTS | OF_PERSONS | {"kode"}
    assert project.built() == {"harian", "orang"}, "only a second build shows that an increment is complete"
    yield project
    project.close()


def test_only_what_could_have_changed_is_built(made: ChangingProject) -> None:
    assert made.built() == set()
    made.load_days(0, 2, 1)
    assert made.due() == set(), "the load changed no row, and the increment has these days"
    made.load_days(1, 1, 2)
    assert made.built() == OF_EVENTS
    assert made.built() == {"harian"}
    made.load_people({"b": "Bayu"})
    assert made.built() == OF_PERSONS
    assert made.built() == {"orang"}
    made.zone = WEST
    assert made.built() == {"hari_ini"}
    made.seed(2)
    assert made.built() == {"kode", "gabung", "puncak"}
    made.replace_function(2)
    assert made.built() == {"kali"}
    made.write("marts/gabung", 2)
    assert made.built() == {"gabung", "puncak"}
    made.run("drop table core.jumlah cascade")
    assert made.built() == {"jumlah", "lihat"}, "they get the same rows, so their readers are left"
    assert made.built() == set()
    made.load_people({"c": "Citra"})
    assert made.built(select=["hari_ini"]) == {"hari_ini"}, (
        "it reads a view, which shows the new rows already"
    )
    assert made.built() == {"stg_orang", "orang"}
    made.built()
    assert made.contents() == made.of_everything()


def test_all_can_be_built_all_the_same(made: ChangingProject) -> None:
    everything = OF_EVENTS | OF_PERSONS | {"kode"}
    assert made.built(build_all=True) == everything
    assert made.built(full_refresh=True) == everything
    assert made.built() == {"harian", "orang"}
    assert made.built(run_id="malam") == set()
    assert made.run("select state, count(*) from ops.model_run group by state") == [
        ("unchanged", len(everything))
    ]


def test_days_that_changed_are_built_though_the_first_build_after_the_load_failed(
    made: ChangingProject,
) -> None:
    made.load_days(0, 1, 0)
    made.folder.write("models/staging/stg_kejadian.sql", "select * from raw.tidak_ada")
    assert made.build()["harian"].state == "skipped"
    made.write("staging/stg_kejadian", 1)
    made.load_days(2, 2, 2)
    assert made.built() >= {"harian"}
    assert made.contents() == made.of_everything()
    assert made.built() == {"harian"}
    assert made.built() == set()


def test_a_build_without_days_leaves_them_to_the_next_one(made: ChangingProject) -> None:
    made.load_days(0, 1, 0)
    for _ in range(2):
        build(made.folder.project(), made.connect)
    assert made.built() == {"harian"}, "no build without days can see that rows are gone"
    assert made.contents() == made.of_everything()


def test_no_day_stays_open_after_everything_was_loaded_or_built(made: ChangingProject) -> None:
    made.reload_days()
    assert made.project().window is None, "no row has changed"
    made.days = {day: [] for day in made.days}
    made.reload_days()
    made.built()
    assert made.project().window is None
    made.load_days(0, 1, 2)
    made.built(full_refresh=True)
    assert made.project().window is None
    made.run("delete from ops.model_state where relation = 'core.harian'")
    window = made.project().window
    assert window is not None and window.start == FIRST
    made.built()
    assert made.project().window is None


@pytest.mark.parametrize("why", ["by_retention", "full_refresh"])
def test_a_model_without_days_loses_the_rows_that_raw_has_lost(made: ChangingProject, why: str) -> None:
    made.run("delete from raw.uji__orang where id = 'a'")
    made.run(
        f"insert into ops.load_batch (dataset, state, {why}, rows_deleted, finished_at)"  # noqa: S608
        " values ('uji/orang', 'loaded', true, 1, clock_timestamp())"
    )
    assert made.built() == OF_PERSONS
    assert made.contents() == made.of_everything()
    assert made.built() == {"orang"}
    assert made.built() == set()


def test_rows_that_no_load_brought_are_always_read_anew(made: ChangingProject) -> None:
    made.run("delete from ops.load_batch where dataset = 'uji/orang'")
    for _ in range(2):
        assert made.built() == OF_PERSONS
    made.run("drop table raw.uji__orang cascade")
    assert made.build()["stg_orang"].state == "skipped"


def test_a_load_that_commits_while_models_are_built_is_not_lost(made: ChangingProject) -> None:
    made.seed(2)

    def load(_: Any) -> None:
        made.load_people({"c": "Citra"})

    made.build(on_result=load)
    assert made.built() >= OF_PERSONS
    assert made.contents() == made.of_everything()


def _broken(project: ChangingProject) -> None:
    project.folder.write("models/marts/gabung.sql", "select null::text as versi")
    assert project.build()["gabung"].state == "tests_failed"
    project.write("marts/gabung", 1)


def _replaced_by_hand(project: ChangingProject) -> None:
    project.run(
        "drop table if exists core.gabung; create table core.gabung as select 'x' as id, 1 as n, '' as nama, '' as versi;"
        " create or replace view staging.stg_kejadian as select id, tanggal, n + 1 as n, _loaded_at as dimuat_pada"
        " from raw.uji__kejadian"
    )


changes = st.one_of(
    st.tuples(st.just(ChangingProject.load_days), st.integers(0, 2), st.integers(2, 3), st.integers(0, 2)),
    st.tuples(st.just(ChangingProject.reload_days)),
    st.tuples(
        st.just(ChangingProject.load_people),
        st.dictionaries(st.sampled_from("abc"), st.sampled_from(["Ani", "Budi"]), min_size=1),
    ),
    st.tuples(st.just(ChangingProject.seed), st.integers(1, 2)),
    st.tuples(st.just(ChangingProject.replace_function), st.integers(1, 2)),
    st.tuples(
        st.just(ChangingProject.write),
        st.sampled_from(["marts/gabung", "staging/stg_orang"]),
        st.integers(1, 2),
    ),
    st.tuples(
        st.just(ChangingProject.run),
        st.sampled_from(
            [f"drop table if exists core.{name} cascade" for name in ("jumlah", "harian", "orang", "kode")]
            + ["drop view if exists staging.stg_kejadian cascade", "vacuum full core.gabung"]
        ),
    ),
    st.tuples(st.just(lambda project, zone: setattr(project, "zone", zone)), st.sampled_from([EAST, WEST])),
    st.tuples(
        st.just(ChangingProject.build_only),
        st.sampled_from(["jumlah", "harian", "hari_ini", "lihat", "puncak"]),
    ),
    st.tuples(st.just(_broken)),
    st.tuples(st.just(_replaced_by_hand)),
    st.tuples(st.just(ChangingProject.killed_build), st.integers(1, 8)),
)


@settings(max_examples=6, derandomize=True)
@given(steps=st.lists(st.lists(changes, min_size=1, max_size=4), min_size=1, max_size=3))
def test_what_is_in_use_is_what_a_build_of_everything_gives(
    templates: Templates, tmp_path_factory: pytest.TempPathFactory, steps: list[list[tuple[Any, ...]]]
) -> None:
    with templates.database(templates.prepared) as url:
        project = ChangingProject(url, tmp_path_factory.mktemp("berubah"))
        project.build()
        for step in steps:
            for change, *values in step:
                change(project, *values)
            project.built()
            assert project.contents() == project.of_everything(), step
        project.close()


def of_gap(made: ChangingProject) -> list[tuple[str, str]]:
    """The rows of days 1 to 4 and 6 to 8, which no range below has, with their places in the table."""
    return made.run(
        "select ctid::text, tanggal::text from core.harian where extract(day from tanggal) in (2, 3, 4, 5, 7, 8, 9)"
        " order by tanggal"
    )


def test_separate_ranges_of_days_are_built_one_by_one(made: ChangingProject) -> None:
    made.load_days(0, 9, 1)
    made.built()
    made.built()
    before = of_gap(made)
    for day, events in ((0, 2), (5, 3), (9, 0)):
        made.load_days(day, day, events)
    assert [(p.window.start.day, p.window.end.day) for p in made.by_ranges() if p.window] == [
        (1, 1), (6, 6), (10, 10),
    ]  # fmt: skip
    assert made.build()["harian"].rows == 2
    assert of_gap(made) == before
    assert made.contents() == made.of_everything()
    made.built()
    assert made.built() == set()


def test_a_range_that_fails_stops_no_other_and_is_built_later(made: ChangingProject) -> None:
    made.load_days(0, 9, 1)
    made.built()
    made.folder.write("tests/paling_banyak.sql", "select * from {{ ref('harian') }} where kejadian > 3")
    made.built()
    for day, events in ((0, 2), (5, 4), (9, 3)):
        made.load_days(day, day, events)
    harian = made.build(run_id="malam")["harian"]
    assert (harian.state, harian.rows) == ("tests_failed", 5 - 3)
    assert harian.error == "2026-01-06 s.d. 2026-01-06: paling_banyak: 1 baris menyimpang"
    assert [(test.name, test.passed) for test in harian.tests] == [("paling_banyak", False)]
    counts = "select extract(day from tanggal)::int, kejadian::int from core.harian where kejadian <> 1"
    assert sorted(made.run(counts)) == [(1, 2), (10, 3)]
    assert [(p.window.start.day, p.window.end.day) for p in made.by_ranges() if p.window] == [(6, 6)]
    made.load_days(5, 5, 3)
    assert made.build()["harian"].state == "ok"
    assert made.contents() == made.of_everything()


def test_days_that_belong_to_no_range_are_built_beside_the_ranges(made: ChangingProject) -> None:
    made.load_days(0, 9, 1)
    made.built()
    for day in (0, 9):
        made.load_days(day, day, 2)
    # Rows that no load of a window brought: only the time of their load tells that they are new.
    made.run(
        "update raw.uji__kejadian set tanggal = '2026-01-20', _loaded_at = clock_timestamp()"
        " where tanggal = '2026-01-05'"
    )
    made.build()
    assert made.run("select kejadian::int from core.harian where tanggal = '2026-01-20'") == [(1,)]
    assert made.run("select count(*)::int from core.harian where kejadian = 2") == [(2,)]
