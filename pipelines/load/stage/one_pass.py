"""Builds the statement that makes the stage in one pass over landing, and those that read what it has marked.

Each cell is repaired once. The statement calls no function that has an effect, so PostgreSQL can run
it with parallel workers. Therefore it can't note refused rows elsewhere: for each of them it writes an empty row into
the stage, which is deleted afterwards. Columns of marks say of each row which repairs changed it, and whether it is
refused; they are dropped once they have been read.

What belongs here: pure SQL, run by build.py. Not here: landing, keys that come twice (statement.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from pipelines.contracts.columns import Column
from pipelines.contracts.raw_table import EXTRA, POSITION
from pipelines.contracts.repairs import repairs_of
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.cells import after_repair
from pipelines.load.stage.statement import ONCE, REJECTED, stage_values, unknown_columns, valid

FEW = 10_000
"""Refused rows up to this number are deleted by their places. The stage is not read once more to look for them."""
LISTED = 1_000_000
"""Of so many rows the server may list the refused ones; if all are, the list takes some 50 MB."""
_BITS = 30
"""How many repairs an integer of marks holds."""
_PLACE = sql.Identifier("b", "_place")
_KEPT = sql.Identifier("b", "_kept")


@dataclass(frozen=True, slots=True)
class Repair:
    """One declared repair of a column, and where the rows are marked that it changed.

    step: its place among the repairs of the column, from 1. number: its place among all repairs, from 0.
    """

    column: Column
    name: str
    step: int
    number: int

    @property
    def before(self) -> str:
        """The name of the cell as it was before the repair."""
        return f"_before_{self.number}"

    @property
    def mark(self) -> int:
        """The number of the column of marks, from 0."""
        return self.number // _BITS

    @property
    def bit(self) -> int:
        """The power of 2 that is added to the marks of a row that the repair changed."""
        return 1 << self.number % _BITS


def repairs(plan: LoadPlan) -> list[Repair]:
    """All repairs of the contract that this load needs, in the order of its columns."""
    declared = [
        (c, name, step)
        for c in plan.contract.stored
        if c.name not in plan.exact
        for step, name in enumerate(repairs_of(c, is_number=c.name in plan.numbers), 1)
    ]
    return [Repair(column, name, step, number) for number, (column, name, step) in enumerate(declared)]


def _marks(declared: list[Repair]) -> list[str]:
    """The names of the columns of marks. A refused row has -1 minus its marks in the first."""
    return [f"_marks_{n}" for n in range(1 + max((r.mark for r in declared), default=0))]


def create_stage(plan: LoadPlan) -> sql.Composed:
    """Creates the stage with marks: the columns of raw except a history's, and an empty row for each refused one.

    An empty row has NULL in all columns of the contract, and its place in landing (a tid) as its position.
    """
    declared = repairs(plan)
    first, *others = _marks(declared)
    last = max((r.step for r in declared), default=0)
    judged = sql.SQL("select {}, {} as _kept from ({}) b{}").format(
        _passed_on(plan, last), valid(plan), _repaired(plan, last), ONCE
    )
    values = stage_values(plan, kept=_KEPT, place=sql.SQL("{}::text").format(_PLACE))
    found = sql.SQL("case when {1} then {0} else -1 - {0} end as {2}").format(
        sql.Identifier("b", first), _KEPT, sql.Identifier(first)
    )
    return sql.SQL("create table {} as select {} from ({}) b").format(
        plan.stage, sql.SQL(", ").join([values, found, *(sql.Identifier("b", o) for o in others)]), judged
    )


def _repaired(plan: LoadPlan, step: int) -> sql.Composable:
    """A query for the landing rows after the repairs of the first steps.

    It has the cells, POSITION, EXTRA where the contract evolves, the place in landing, the marks of the earlier steps,
    and each cell that the last step repairs as it was before.
    """
    declared = repairs(plan)
    if step == 0:
        landed = [sql.Identifier("l", c.name) for c in plan.contract.stored]
        unknown = (
            [sql.SQL("{} as {}").format(unknown_columns(), sql.Identifier(EXTRA))]
            if plan.contract.evolves
            else []
        )
        marks = [sql.SQL("0 as {}").format(sql.Identifier(name)) for name in _marks(declared)]
        columns = [*landed, sql.Identifier("l", POSITION), *unknown, sql.SQL("l.ctid as _place"), *marks]
        return sql.SQL("select {} from {} l").format(sql.SQL(", ").join(columns), plan.landing)
    now = {r.column.name: r for r in declared if r.step == step}
    columns = [
        sql.SQL("{} as {}").format(sql.Identifier("b", r.column.name), sql.Identifier(r.before))
        for r in now.values()
    ]
    return sql.SQL("select {} from ({}) b{}").format(
        sql.SQL(", ").join([_passed_on(plan, step - 1, now), *columns]), _repaired(plan, step - 1), ONCE
    )


def _passed_on(plan: LoadPlan, step: int, now: dict[str, Repair] | None = None) -> sql.Composable:
    """The columns of a level of the query over the rows after the repairs of `step`, whose marks are added.

    now: the repairs of this level, by the column's name.
    """
    columns: list[sql.Composable] = []
    for column in plan.contract.stored:
        cell: sql.Composable = sql.Identifier("b", column.name)
        if repair := (now or {}).get(column.name):
            cell = sql.SQL("{} as {}").format(
                after_repair(column, repair.name, cell), sql.Identifier(column.name)
            )
        columns.append(cell)
    columns += [sql.Identifier("b", name) for name in (POSITION, *([EXTRA] if plan.contract.evolves else []))]
    declared = repairs(plan)
    for number, name in enumerate(_marks(declared)):
        marks = sql.SQL(" + ").join(
            [
                sql.Identifier("b", name),
                *(_changed(r) for r in declared if r.step == step and r.mark == number),
            ]
        )
        columns.append(sql.SQL("{} as {}").format(marks, sql.Identifier(name)))
    return sql.SQL(", ").join([*columns, _PLACE])


def _changed(repair: Repair) -> sql.Composable:
    return sql.SQL("case when {} is distinct from {} then {} else 0 end").format(
        sql.Identifier("b", repair.before), sql.Identifier("b", repair.column.name), sql.Literal(repair.bit)
    )


def count_marks(plan: LoadPlan, landed: int) -> sql.Composed:
    """Counts the refused rows, and for each of `repairs` the rows whose cell it changed. Gives one row.

    The second value lists the places of the refused rows in the stage (tid[]). It is NULL if they are more than FEW, or
    if more than LISTED rows landed, because the server collects all places before it counts them.
    """
    declared = repairs(plan)
    first = sql.Identifier(_marks(declared)[0])
    refused = sql.SQL("count(*) filter (where {} < 0)").format(first)
    places: sql.Composable = sql.SQL("null::tid[]")
    if landed <= LISTED:
        places = sql.SQL("case when {} <= {} then array_agg(ctid) filter (where {} < 0) end").format(
            refused, sql.Literal(FEW), first
        )
    counts = [refused, places]
    for repair in declared:
        marks: sql.Composable = sql.Identifier(f"_marks_{repair.mark}")
        if repair.mark == 0:
            marks = sql.SQL("case when {0} < 0 then -1 - {0} else {0} end").format(marks)
        counts.append(
            sql.SQL("count(*) filter (where ({}) & {} <> 0)").format(marks, sql.Literal(repair.bit))
        )
    return sql.SQL("select {} from {}").format(sql.SQL(", ").join(counts), plan.stage)


def note_refused(plan: LoadPlan, places: Sequence[str] | None) -> sql.Composed:
    """Moves the refused rows' places in landing from the stage into REJECTED.

    places: the refused rows' own places in the stage; None if they have to be looked for.
    """
    refused: sql.Composable = sql.SQL("_marks_0 < 0")
    if places is not None:
        refused = sql.SQL("ctid = any({}::tid[])").format(sql.Literal(list(places)))
    return sql.SQL(
        "with refused as (delete from {} where {} returning {}) insert into {} select {}::tid from refused"
    ).format(plan.stage, refused, sql.Identifier(POSITION), REJECTED, sql.Identifier(POSITION))


def drop_marks(plan: LoadPlan) -> sql.Composed:
    """Drops the columns of marks, so that the stage has the columns of raw."""
    dropped = [sql.SQL("drop column {}").format(sql.Identifier(name)) for name in _marks(repairs(plan))]
    return sql.SQL("alter table {} {}").format(plan.stage, sql.SQL(", ").join(dropped))
