"""Which cells of a refused row may be shown, as SQL.

In a contract with personal columns a row may be shifted: a name or number then stands in another column. So a cell is
shown only where it keeps the rules of its own column, is not shaped like a person's number or address, and is no free
text beside a personal column. In any contract what is shaped like a NIK or NIP is hidden. Not here: what is done with
the rows (quarantine.py), which cells are personal by contract.
"""

from __future__ import annotations

from psycopg import sql

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.load.plan import LoadPlan
from pipelines.load.pseudonyms import purposes
from pipelines.load.stage.rules import MASK
from pipelines.load.stage.statement import all_rules, cleaned_rows
from pipelines.redaction import personal_shapes

LONGEST_CELL = 10_000
"""Characters of a refused cell that are kept."""
_LONG_ENOUGH = frozenset({"text", "bigint", "numeric", "double precision"})
"""Types whose values can hold a person's number."""
_ANYBODYS = frozenset({"email", "telepon"})
"""Formats that a person's own text has too."""


def judged_rows(plan: LoadPlan) -> sql.Composable:
    """The landing rows as `cleaned_rows` gives them; beside them `h` says of each column whether its cell is hidden."""
    verdicts = [
        sql.SQL("{} as {}").format(_hidden(plan, column), sql.Identifier(column.name))
        for column in plan.contract.stored
    ]
    return sql.SQL("{} cross join lateral (select {}) h").format(
        cleaned_rows(plan), sql.SQL(", ").join(verdicts)
    )


def shown(column: Column) -> sql.Composable:
    """A cell as it came, as far as it may be shown: masked, or cut where it is huge. Over `judged_rows`."""
    return sql.SQL(
        "case when {0} is null then null when {2} then {3} when octet_length({0}::text) <= {1} then {0}::text"
        " else left({0}::text, {1}) || ' ... (' || char_length({0}::text) || ' karakter)' end"
    ).format(
        sql.Identifier("l", column.name),
        sql.Literal(LONGEST_CELL),
        sql.Identifier("h", column.name),
        sql.Literal(MASK),
    )


def told_apart(contract: Contract, column: Column, cell: sql.Composable) -> sql.Composable:
    """A text of the column that tells its rows from others, and nothing of a hidden cell: its digest at most."""
    return _masked_where(contract, column, cell, sql.Identifier("h", column.name))


def key_text(contract: Contract, column: Column, cell: sql.Composable, *, refused: bool) -> sql.Composable:
    """A key's cell as text: the same for a refused row and for a row of raw, a stage or a reading of keys.

    refused: whether the cell stands beside `judged_rows`, whose verdict hides it too: what breaks a rule of its own is
    in none of the others.
    """
    hidden = _shaped(contract, column, cell)
    if refused:
        verdict = sql.Identifier("h", column.name)
        hidden = verdict if hidden is None else sql.SQL("({} or {})").format(hidden, verdict)
    if hidden is None:
        return sql.SQL("{}::text").format(cell)
    return _masked_where(contract, column, cell, hidden)


def _masked_where(
    contract: Contract, column: Column, cell: sql.Composable, hidden: sql.Composable
) -> sql.Composable:
    masked: sql.Composable = sql.Literal(MASK)
    if not column.personal:
        # Without a key 32 bits: enough to tell rows apart, too little to say which number it is.
        digest = sql.SQL("left(md5({}::text), 8)").format(cell)
        if keys := purposes(contract):
            digest = sql.SQL("left(ops.pseudonim({}::text, {}), 16)").format(cell, sql.Literal(keys[0]))
        masked = sql.SQL("{} || ' ' || {}").format(masked, digest)
    return sql.SQL("case when {0} is null then null when {1} then {2} else {0}::text end").format(
        cell, hidden, masked
    )


def _shaped(contract: Contract, column: Column, cell: sql.Composable) -> sql.Composable | None:
    """Whether a cell is shaped like a person's number; None for a type whose values never are."""
    if column.type.split("(")[0] not in _LONG_ENOUGH:
        return None
    guarded = any(c.personal for c in contract.columns)
    shapes = personal_shapes.ALL if guarded else personal_shapes.NUMBERS
    return personal_shapes.shaped(sql.SQL("{}::text").format(cell), shapes)


def _hidden(plan: LoadPlan, column: Column) -> sql.Composable:
    contract = plan.contract
    if column.personal:
        return sql.SQL("true")
    guarded = any(c.personal for c in contract.columns)
    if guarded and _is_neighbour(contract, column):
        return sql.SQL("true")
    shaped = _shaped(contract, column, sql.Identifier("l", column.name))
    reasons: list[sql.Composable] = [shaped] if shaped else []
    if guarded:
        kept = [rule.predicate for rule in all_rules(plan) if rule.column.name == column.name]
        reasons += [sql.SQL("not {}").format(predicate) for predicate in kept]
    return sql.SQL(" or ").join(reasons) if reasons else sql.SQL("false")


def _is_neighbour(contract: Contract, column: Column) -> bool:
    """Whether this is free text beside a personal column, where a shifted row has a name that breaks no rule."""
    bound = column.enum or column.reference or (column.format is not None and column.format not in _ANYBODYS)
    if column.type != "text" or bound or column.key:
        return False
    places = {c.name: place for place, c in enumerate(contract.columns)}
    around = (places[column.name] - 1, places[column.name] + 1)
    return any(contract.columns[n].personal for n in around if 0 <= n < len(contract.columns))
