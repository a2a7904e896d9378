"""A dbt project on three small datasets that changes in every way, for tests of which models a build may leave.

Its models: views, tables in a diamond, an incremental one by days, one that merges, one that reads the date, one that
calls a function of ops, a seed.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from pipelines.contracts.windows import Window
from pipelines.models.build.due import due, first_to_last, open_ranges
from pipelines.models.build.results import NodeResult
from pipelines.models.build.runner import build
from pipelines.models.project.nodes import Project
from tests.support.contracts import column
from tests.support.dbt_folder import DbtFolder
from tests.support.loads import Loads

FIRST = date(2026, 1, 1)
ASIDE = "banding"
"""The schemas in which everything is built anew begin with this."""
EAST, WEST = "Etc/GMT-14", "Etc/GMT+12"
"""Time zones in which the date always differs."""

SOURCES = """
sources:
  - name: uji
    schema: raw
    tables:
      - {name: kejadian, identifier: uji__kejadian}
      - {name: orang, identifier: uji__orang}
"""
MODELS = {
    "staging/stg_kejadian": "select id, tanggal, n, _loaded_at as dimuat_pada from {{ source('uji', 'kejadian') }}",
    "staging/stg_orang": "select id, nama, '{versi}' as versi, _loaded_at as dimuat_pada"
    " from {{ source('uji', 'orang') }}",
    "marts/gabung": "select e.id, e.n, k.nama, '{versi}' as versi from {{ ref('stg_kejadian') }} as e"
    " left join {{ ref('kode') }} as k on k.n = e.n::text",
    "marts/jumlah": "select tanggal, sum(n) as n from {{ ref('stg_kejadian') }} group by tanggal",
    "marts/puncak": "select (select count(*) from {{ ref('gabung') }}) as baris,"
    " (select max(n) from {{ ref('jumlah') }}) as n",
    "staging/lihat": "select n, count(*) as hari from {{ ref('jumlah') }} group by n",
    "marts/pembaca_lihat": "select max(hari) as hari from {{ ref('lihat') }}",
    "marts/hari_ini": "select current_date as hari, count(*) as orang from {{ ref('stg_orang') }}",
    "marts/harian": """
{{ config(materialized='incremental', unique_key='tanggal',
          meta={'partition': {'column': 'tanggal', 'every': 'daily', 'start': '2026-01-01'}}) }}
select tanggal, count(*) as kejadian, max(dimuat_pada) as dimuat_pada from {{ ref('stg_kejadian') }}
{% if is_incremental() %}
where tanggal in (
    select s.tanggal from {{ ref('stg_kejadian') }} as s
    where s.dimuat_pada > (select coalesce(max(t.dimuat_pada), '-infinity') from {{ this }} as t)
)
{% if var('window_start', none) %}or tanggal between '{{ var('window_start') }}' and '{{ var('window_end') }}'{% endif %}
{% endif %}
group by tanggal
""",
    "marts/kali": "select id, ops.kali(n::integer) as n from {{ ref('stg_kejadian') }}",
    "marts/orang": """
{{ config(materialized='incremental', unique_key='id', incremental_strategy='merge') }}
select id, nama, dimuat_pada from {{ ref('stg_orang') }}
{% if is_incremental() %}
where dimuat_pada > (select coalesce(max(t.dimuat_pada), '-infinity') from {{ this }} as t)
{% endif %}
""",
}
YAML = """
models:
  - name: jumlah
    data_tests: [{unique: {arguments: {column_name: tanggal}}}]
  - name: gabung
    data_tests: [{not_null: {arguments: {column_name: versi}}}]
"""


class ChangingProject:
    """The project, its sources, and a warehouse in which it is built."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.loads = Loads(url, folder, prepared=True)
        self.folder = DbtFolder(folder / "dbt")
        self.zone = EAST
        self.days: dict[date, list[int]] = {}
        self.people: dict[str, str] = {}
        self.events = self.loads.contract(
            column("id", primaryKey=True), column("tanggal", "date", required=True), column("n", "integer"),
            key="uji/kejadian", partition={"column": "tanggal", "every": "daily", "start": FIRST.isoformat()},
        )  # fmt: skip
        self.persons = self.loads.contract(
            column("id", primaryKey=True), column("nama"), key="uji/orang", write_disposition="merge"
        )
        self.folder.write("models/sources.yml", SOURCES).write("models/marts/marts.yml", YAML)
        for path in MODELS:
            self.write(path, 1)
        self.seed(1)
        self.replace_function(1)
        self.load_days(0, 2, 1)
        self.load_people({"a": "Ani", "b": "Budi"})

    def close(self) -> None:
        self.loads.connection.close()

    def write(self, path: str, version: int | str) -> None:
        """Writes the model's file in one of its versions."""
        self.folder.write(f"models/{path}.sql", MODELS[path].replace("{versi}", str(version)))

    def seed(self, version: int) -> None:
        self.folder.write("seeds/kode.csv", f"n,nama\n0,nol\n1,satu{version}\n")

    def replace_function(self, version: int) -> None:
        """Replaces a function whose body PostgreSQL keeps parsed, not as text."""
        self.run(
            "create or replace function ops.kali(n integer) returns integer language sql immutable"
            f" return n * {version}"
        )

    def load_days(self, first: int, last: int, n: int) -> None:
        """A load of some days, on each of which the source has `n` events; a repeated one changes nothing."""
        window = Window(FIRST + timedelta(first), FIRST + timedelta(last))
        of_window = [window.start + timedelta(i) for i in range((window.end - window.start).days + 1)]
        self.days |= {day: [n] * n for day in of_window}
        rows = [row for day in of_window for row in self._rows(day)]
        self.loads.load(self.events, lambda *_: rows, window=window, allow_empty=True)

    def reload_days(self) -> None:
        """A full refresh of the same rows."""
        rows = [row for day in self.days for row in self._rows(day)]
        self.loads.load(self.events, lambda *_: rows, full_refresh=True)

    def load_people(self, people: dict[str, str]) -> None:
        self.people |= people
        self.loads.load(self.persons, lambda *_: sorted(self.people.items()))

    def _rows(self, day: date) -> list[list[str]]:
        return [[f"{day}#{i}", day.isoformat(), str(n)] for i, n in enumerate(self.days[day])]

    def connect(self) -> Connection[Any]:
        """A session of a build, in the present time zone."""
        return psycopg.connect(self.url, application_name="bangun", options=f"-c TimeZone={self.zone}")

    def project(self, **more: Any) -> Project:
        """The project with the days that are open, as a run of Dagster reads it."""
        with self.connect() as connection:
            ranges = open_ranges(self.folder.project(**more), connection, None)
        return self.folder.project(window=first_to_last(ranges), **more)

    def by_ranges(self) -> list[Project]:
        """The project with each range of the days that are open."""
        with self.connect() as connection:
            return [
                self.folder.project(window=w) for w in open_ranges(self.folder.project(), connection, None)
            ]

    def due(self) -> set[str]:
        with self.connect() as connection:
            return set(due(self.project(), connection))

    def build(self, **more: Any) -> dict[str, NodeResult]:
        """A build as a night does it: with the days that loads have changed."""
        results = build(self.project(), self.connect, ranges=self.by_ranges(), **more)
        return {result.name: result for result in results}

    def build_only(self, *names: str) -> None:
        """A build of these models alone."""
        self.build(select=names)

    def built(self, **more: Any) -> set[str]:
        """The names of what a build did not leave, all of which `due` named before."""
        expected = self.due()
        results = self.build(**more)
        assert {r.state for r in results.values()} == {"ok"}, {n: r.error for n, r in results.items()}
        names = {name for name, r in results.items() if not r.unchanged}
        assert more or names <= expected, (names, expected)
        return names

    def killed_build(self, after: int) -> None:
        """A build whose sessions the server ends once `after` nodes have their result."""
        seen: list[str] = []

        def kill(result: NodeResult) -> None:
            seen.append(result.name)
            if len(seen) == after:
                self.run(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where application_name = 'bangun' and datname = current_database()"
                )

        try:
            self.build(on_result=kill, run_id="mati")
        except psycopg.OperationalError:
            return

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        return self.loads.run(statement)

    def contents(self, aside: str = "") -> dict[str, list[str]]:
        """The rows of every model and seed, as text; aside: of the schemas that begin with it."""
        rows = {
            node.name: f"select t::text from {aside and aside + '_'}{node.relation} as t order by 1"  # noqa: S608 (names of this project)
            for node in self.folder.project().nodes.values()
        }
        with self.connect() as connection:
            return {
                name: [r for (r,) in connection.execute(q.encode()).fetchall()] for name, q in rows.items()
            }

    def of_everything(self) -> dict[str, list[str]]:
        """The same after a build of everything, from all rows, into other schemas."""
        for schema in ("core", "staging"):
            self.run(f"drop schema if exists {ASIDE}_{schema} cascade")
        results = build(self.folder.project(target_schema=ASIDE), self.connect, full_refresh=True)
        assert {r.state for r in results} == {"ok"}
        return self.contents(ASIDE)
