"""Gives the results of checks when no delivery was checked just now: the last result, or a new check of raw.

No delivery was checked when the file did not change, the source did not answer, or somebody runs the check by hand. Not
here: the checks of a delivery before it goes into raw (gate.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, LiteralString

from psycopg import Connection, sql
from psycopg.rows import class_row

from pipelines.contracts.model import Contract
from pipelines.contracts.raw_table import POSITION
from pipelines.contracts.windows import Window, period_begin
from pipelines.load.raw_summary import is_current
from pipelines.quality.evidence import raw_rows, table_of, with_evidence
from pipelines.quality.results import CheckResult, Severity
from pipelines.quality.run import run_suite
from pipelines.quality.suites import Expectation
from pipelines.warehouse.relation import Relation

IN_FORCE = "in_force"
"""The name of the temporary view with the rows of raw that are in force: current versions, without deleted rows."""


@dataclass(frozen=True, slots=True)
class LastResult:
    """The last result of a check.

    at: when it was found, in the warehouse's time zone. rule: the hash of the rule that was asked. start, end: the days
    that were checked; None if it was the whole table.
    """

    name: str
    severity: Severity
    passed: bool
    unexpected: int | None
    total: int | None
    message: str
    expectation: str
    observed: str
    query: str
    at: datetime
    rule: str = ""
    start: date | None = None
    end: date | None = None

    def result(self, why: str) -> CheckResult:
        """The same result, with the reason why there is no newer one, in Indonesian."""
        window = f"jendela {days(self.start, self.end)} pada " if self.start and self.end else ""
        return CheckResult(
            self.name,
            self.severity,
            self.passed,
            self.unexpected,
            self.total,
            self.message,
            self.expectation,
            self.observed,
            self.query,
            note=f"{why}; hasil {window}{self.at:%Y-%m-%d %H:%M} tetap berlaku.",
            rule=self.rule,
        )


def days(start: date, end: date) -> str:
    """A window as a text, in Indonesian."""
    return f"{start}" if start == end else f"{start} s.d. {end}"


LAST_RESULT: LiteralString = (
    "c.check_name as name, c.severity, c.passed, c.unexpected, c.total, coalesce(c.message, '') as message,"
    " coalesce(c.expectation, '') as expectation, coalesce(c.observed, '') as observed,"
    " coalesce(c.query, '') as query, c.at, coalesce(c.rule, '') as rule, c.window_start as start,"
    " c.window_end as end"
)
"""The fields of LastResult in order, of a row `c` of ops.check_result."""
_LAST_RESULTS: LiteralString = f"""
select distinct on (c.check_name) {LAST_RESULT}
from ops.check_result as c
left join ops.load_batch as b on b.batch_id = c.batch_id
where
    c.asset = %s and (%s or c.batch_id is null or b.state in ('loaded', 'unchanged'))
    and (%s::bigint is null or c.batch_id = %s)
order by c.check_name, c.at desc
"""  # noqa: S608 (text of this module only)


def last_results(
    connection: Connection[Any],
    contract: Contract,
    *,
    refused: bool = False,
    batch_id: int | None = None,
) -> dict[str, LastResult]:
    """Gives by name the last result of each check that is about the rows in raw.

    refused: also take results of refused deliveries, which have changed nothing in raw. batch_id: of this load only.
    """
    with connection.cursor(row_factory=class_row(LastResult)) as cursor:
        rows = cursor.execute(_LAST_RESULTS, [f"raw/{contract.key}", refused, batch_id, batch_id]).fetchall()
    return {row.name: row for row in rows}


@dataclass(frozen=True, slots=True)
class WindowResult:
    """The last result of a check for one window.

    stands: it failed, and still counts (ops.check_history).
    """

    start: date
    end: date
    name: str
    passed: bool
    unexpected: int | None
    total: int | None
    at: datetime
    stands: bool = False


def window_results(connection: Connection[Any], contract: Contract, windows: int = 10) -> list[WindowResult]:
    """Gives the last result of each check for each of the last windows that were loaded, the newest window first."""
    if contract.partition is None:
        return []
    with connection.cursor(row_factory=class_row(WindowResult)) as cursor:
        return cursor.execute(
            "with h as (select * from ops.check_history where asset = %(asset)s and window_start is not null),"
            " latest as (select window_start, window_end, max(at) as at from h group by window_start, window_end"
            " order by window_end desc, at desc limit %(windows)s)"
            " select distinct on (h.window_end, h.window_start, h.check_name) h.window_start as start,"
            " h.window_end as end, h.check_name as name, h.passed, h.unexpected, h.total, h.at,"
            " not h.passed and h.over_at is null as stands from h join latest using (window_start, window_end)"
            " order by h.window_end desc, h.window_start desc, h.check_name, h.at desc",
            {"asset": f"raw/{contract.key}", "windows": windows},
        ).fetchall()


def check_raw(
    connection: Connection[Any],
    contract: Contract,
    expectations: Sequence[Expectation],
    window: Window | None = None,
) -> list[CheckResult]:
    """Runs the expectations on the rows of raw that are in force: current versions, without deleted rows.

    window: only rows of these days of a partitioned dataset. On an empty table a failure is only a warning, because
    nobody has delivered wrong data.
    """
    if not expectations:
        return []
    with connection.transaction(force_rollback=True):
        connection.execute(in_force(contract, window))
        found = connection.execute(
            sql.SQL("select pg_my_temp_schema()::regnamespace::text, count(*) from {}").format(
                sql.Identifier(IN_FORCE)
            )
        ).fetchone()
        assert found is not None
        schema, rows = found
        relation, table = Relation(schema, IN_FORCE), table_of(contract)
        results = with_evidence(
            run_suite(expectations, relation, rows, connection, shown=table.shown),
            table,
            connection,
            relation,
            lambda: raw_rows(contract, window),
        )
    if rows:
        return results
    note = "Tabel di raw masih kosong."
    return [
        r if r.passed else replace(r, severity="warn", message=f"{r.message} {note}".lstrip())
        for r in results
    ]


def in_force(contract: Contract, window: Window | None = None) -> sql.Composed:
    """The statement that makes a temporary view of the rows of raw that are in force.

    window: only the rows of its days; without it, all.
    """
    columns = [*(c.name for c in contract.stored), POSITION]
    conditions: list[sql.Composable] = [is_current(contract) or sql.SQL("true")]
    if window and contract.partition:
        conditions.append(window.condition(period_begin(contract.column(contract.partition.column))))
    return sql.SQL("create temporary view {} as select {} from {} where {}").format(
        sql.Identifier(IN_FORCE),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.Identifier("raw", contract.table),
        sql.SQL(" and ").join(conditions),
    )


_PARTLY_COVERED: LiteralString = """
with loaded as (
    select ops.days_of_load(b.batch_id, b.window_start, b.window_end) as days
    from ops.load_batch as b where b.batch_id = %(batch)s
)
select lower(h.days), upper(h.days) - 1, array_agg(distinct h.check_name)
from loaded as l
join ops.check_history as h
    on h.asset = %(asset)s and h.check_name = any(%(names)s) and h.batch_id is distinct from %(batch)s
        and not h.passed and h.over_at is null and l.days is not null and (h.days is null or h.days && l.days)
group by 1, 2
order by 1, 2
"""


def ask_again(
    connection: Connection[Any], contract: Contract, expectations: Sequence[Expectation], batch_id: int
) -> list[tuple[Window | None, list[CheckResult]]]:
    """Asks raw again about failures of other loads of which the load `batch_id` has brought only a part of the days.

    The failure may be repaired now, but a result of the load alone can't say so. Gives the days, None for the whole
    table, and the results of the rules that had failed there.
    """
    names = {"asset": f"raw/{contract.key}", "batch": batch_id, "names": [e.name for e in expectations]}
    asked: list[tuple[Window | None, list[CheckResult]]] = []
    for first, last, failed in connection.execute(_PARTLY_COVERED, names).fetchall():
        window = Window(first, last) if first else None
        due = [e for e in expectations if e.name in failed]
        asked.append((window, check_raw(connection, contract, due, window)))
    return asked


def results_without_delivery(
    connection: Connection[Any],
    contract: Contract,
    expectations: Sequence[Expectation],
    about_delivery: Collection[str],
    why: str,
) -> list[CheckResult]:
    """Gives a result of every check when no delivery was checked: the last one, else a new one of the table in raw.

    A last result stands only for the rule that was asked; a rule that was changed under the same name is asked anew.
    about_delivery: checks that need a delivery; one without a last result passes, because nothing has come yet.
    why: why nothing was checked, in Indonesian.
    """
    last = last_results(connection, contract)
    standing = {e.name for e in expectations if e.name in last and last[e.name].rule == e.rule}
    new = check_raw(connection, contract, [e for e in expectations if e.name not in standing])
    return [
        *(last[e.name].result(why) for e in expectations if e.name in standing),
        *new,
        *(delivery_result(last, name, why) for name in about_delivery),
    ]


def delivery_result(last: dict[str, LastResult], name: str, why: str) -> CheckResult:
    """The last result of a check that needs a delivery; it passes if there is none yet."""
    if name in last:
        return last[name].result(why)
    return CheckResult(name, "warn", True, None, None, f"Belum ada kiriman yang diperiksa: {why}.")
