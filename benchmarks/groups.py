"""The groups of cases: what is compared with what, and how far ours may be from the limit.

What belongs here: names, titles, targets. Not here: the cases (cases.py), running them (__main__.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DLT = "dlt"
DBT = "dbt"


@dataclass(frozen=True, slots=True)
class Group:
    """Cases over the same rows; the first is the limit, with which the others are compared.

    small: at most 100,000 rows are used.
    sized: whether the group depends on the number of rows.
    rounds: the most rounds, for a case that takes long.
    target: the ratio that the group's gudang case must not exceed.
    seconds: the seconds that a case must not exceed on a machine with two cores and nothing else to do.
    """

    name: str
    title: str
    cases: tuple[str, ...]
    small: bool = False
    sized: bool = True
    rounds: int | None = None
    target: float | None = None
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def targets(self) -> str:
        """Its targets as a text, "" if there are none."""
        ratio = [f"target {self.target:g}"] if self.target else []
        return ", ".join([*ratio, *(f"{TITLES[case]}: at most {s:g} s" for case, s in self.seconds.items())])


def _unsized(
    name: str,
    title: str,
    *cases: str,
    target: float | None = None,
    rounds: int | None = 2,
    seconds: Mapping[str, float] | None = None,
) -> Group:
    return Group(
        name, title, cases, small=True, sized=False, rounds=rounds, target=target, seconds=seconds or {}
    )


GROUPS = (
    Group(
        "postgresql",
        "PostgreSQL",
        ("limit_postgresql", "limit_postgresql_key", "gudang_postgresql"),
        target=1.6,
    ),
    Group(
        "repairs",
        "PostgreSQL, repairs, a pseudonym, refused rows",
        ("limit_postgresql", "gudang_repairs", "gudang_written_number", "gudang_four_workers"),
        target=2.5,
    ),
    Group(
        "features",
        "PostgreSQL, each feature alone",
        (
            "limit_postgresql",
            "gudang_only_repairs",
            "gudang_only_pseudonym",
            "gudang_only_rules",
            "gudang_only_refused",
            "gudang_doubled_keys",
            "gudang_all_refused",
        ),
    ),
    Group("dlt", "PostgreSQL, dlt at its best", ("limit_postgresql", DLT), rounds=1),
    Group(
        "pandas",
        "PostgreSQL, pandas",
        ("limit_postgresql", "gudang_postgresql", "pandas_copy", "to_sql"),
        small=True,
        rounds=2,
    ),
    Group("mariadb", "MariaDB", ("limit_mariadb", "gudang_mariadb"), target=1.7),
    Group("csv", "CSV", ("limit_csv", "gudang_csv", "gudang_csv_repairs", "gudang_csv_bad_cell"), target=1.5),
    Group("xlsx", "XLSX", ("calamine", "gudang_xlsx", "gudang_xlsx_reading"), small=True, target=1.5),
    Group("merge", "Merge of 5 % changed rows", ("limit_merge", "gudang_merge")),
    Group(
        "feedback",
        "Feedback to the OPD, a tenth of the rows refused",
        ("limit_feedback", "gudang_feedback"),
        small=True,
        rounds=2,
    ),
    Group("models", "100 SQL models x 3 tests", (DBT, "gudang_models"), small=True, sized=False, target=0.33),
    Group("model", "One large SQL model", ("limit_model", "gudang_model"), target=1.1),
    Group("gate", "Quality gate, 20 expectations", ("limit_gate", "gudang_gate"), target=1.3),
    _unsized(
        "start",
        "Start with 325 contracts",
        "limit_start",
        "gudang_start",
        "gudang_start_definitions",
        target=3.0,
        rounds=None,
        seconds={"gudang_start_definitions": 10.0},
    ),
    _unsized(
        "night",
        "A night of the demo, nothing new",
        "limit_night",
        "gudang_night",
        target=3.0,
        seconds={"gudang_night": 12.0},
    ),
    _unsized(
        "first",
        "The first night of the demo",
        "limit_first",
        "gudang_first",
        "gudang_first_with_demo",
        target=1.25,
        seconds={"gudang_first_with_demo": 45.0},
    ),
    _unsized(
        "backfill",
        "A year of dinkes/kunjungan as one range of days",
        "limit_backfill",
        "gudang_backfill",
        "gudang_backfill_again",
        target=3.0,
    ),
    _unsized(
        "daemon",
        "Dagster's own processes",
        "limit_daemon",
        "gudang_file_to_mart",
        "gudang_asset_page",
        rounds=1,
        seconds={"gudang_file_to_mart": 30.0, "gudang_asset_page": 3.0},
    ),
)

TITLES = {
    "limit_postgresql": "psql COPY | psql COPY, typed, no key",
    "limit_postgresql_key": "the same, and a primary key",
    "gudang_postgresql": "gudang",
    "gudang_repairs": "gudang",
    "gudang_written_number": "gudang, the number column a text at the source",
    "gudang_four_workers": "gudang, four parallel workers",
    "gudang_only_repairs": "gudang, repairs in three columns",
    "gudang_only_pseudonym": "gudang, a pseudonym",
    "gudang_only_rules": "gudang, bounds and a pattern",
    "gudang_only_refused": "gudang, two refused rows of a thousand",
    "gudang_doubled_keys": "gudang, two keys of a thousand twice",
    "gudang_all_refused": "gudang, every row refused and stored",
    DLT: "dlt (connectorx, Parquet, ADBC)",
    "pandas_copy": "read_sql, to_csv, COPY",
    "to_sql": "read_sql, DataFrame.to_sql",
    "limit_mariadb": "mariadb --quick --batch | psql COPY",
    "gudang_mariadb": "gudang",
    "limit_csv": "COPY csv, typed, no key",
    "gudang_csv": "gudang",
    "gudang_csv_repairs": "gudang, repairs in three columns",
    "gudang_csv_bad_cell": "gudang, one bad cell in the middle",
    "calamine": "python-calamine, iter_rows",
    "gudang_xlsx": "gudang, whole load",
    "gudang_xlsx_reading": "gudang, as far as COPY text",
    "limit_merge": "COPY, INSERT ... ON CONFLICT",
    "gudang_merge": "gudang, by cursor",
    "limit_feedback": "csv.reader, csv.writer: the same file",
    "gudang_feedback": "gudang: marked CSV, workbooks, list, page",
    DBT: "dbt build, whole process",
    "gudang_models": "gudang models run, whole process",
    "limit_model": "create table as, analyze",
    "gudang_model": "gudang",
    "limit_gate": "one hand-written query",
    "gudang_gate": "gudang",
    "limit_start": "yaml.load of every contract (libyaml)",
    "gudang_start": "gudang, every contract",
    "gudang_start_definitions": "gudang, Dagster's definitions",
    "limit_night": "import pipelines.nightly, reading the project",
    "gudang_night": "gudang nightly, nothing new",
    "limit_first": "the same loads, models and files without Dagster",
    "gudang_first": "gudang nightly, the first night",
    "gudang_first_with_demo": "gudang nightly, which also makes the demo's sources",
    "limit_backfill": "gudang reload, the same rows",
    "gudang_backfill": "gudang, 365 days by dg launch",
    "gudang_backfill_again": "gudang, launched again after half was killed",
    "limit_daemon": "import pipelines.definitions",
    "gudang_file_to_mart": "gudang ui, from a dropped file to its mart",
    "gudang_asset_page": "gudang, asset page with 325 contracts",
}
