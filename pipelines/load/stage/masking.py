"""Decides in SQL which cells of a refused row are shown and which are hidden.

In a contract with personal columns a row may be shifted, so that a name or number is in another column. Therefore a
cell is shown only if it keeps the rules of its own column, does not look like a person's number or address, and is no
free text next to a personal column. In every contract a cell that looks like a NIK or NIP is hidden.

Not here: storing the rows (quarantine.py), the shapes of personal numbers (redaction/personal_shapes.py).
"""

from __future__ import annotations

from psycopg import sql

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.load.plan import LoadPlan, identifiers
from pipelines.load.pseudonyms import purposes
from pipelines.load.stage.cells import pseudonym
from pipelines.load.stage.rules import MASK
from pipelines.load.stage.statement import ONCE, all_rules, cleaned_rows
from pipelines.redaction import personal_shapes

LONGEST_CELL = 10_000
"""Characters of a refused cell that are kept."""
_TYPES_OF_NUMBERS = frozenset({"text", "bigint", "numeric", "double precision"})
"""Types whose values can hold a person's number."""
_FORMATS_OF_PERSONS = frozenset({"email", "telepon"})
"""Formats that a person's own text may have."""


def rows_with_hidden(plan: LoadPlan) -> sql.Composable:
    """A FROM item: `cleaned_rows`, joined with a row `h` that says for each column whether its cell is hidden."""
    hidden = [
        sql.SQL("{} as {}").format(_hidden(plan, column), sql.Identifier(column.name))
        for column in plan.contract.stored
    ]
    return sql.SQL("{} cross join lateral (select {}{}) h").format(
        cleaned_rows(plan), sql.SQL(", ").join(hidden), ONCE
    )


def hidden_flags(plan: LoadPlan) -> sql.Composable:
    """An array that says for each column of `rows_with_hidden` whether its cell is hidden, to be kept for later."""
    return sql.SQL("array[{}]").format(identifiers([c.name for c in plan.contract.stored], "h"))


def hidden_by_flags(plan: LoadPlan, flags: sql.Composable) -> sql.Composable:
    """A FROM item: the row `h` of `rows_with_hidden`, from what `hidden_flags` gave."""
    columns = [
        sql.SQL("{}[{}] as {}").format(flags, sql.Literal(number), sql.Identifier(column.name))
        for number, column in enumerate(plan.contract.stored, 1)
    ]
    return sql.SQL("lateral (select {}) h").format(sql.SQL(", ").join(columns))


def shown_cell(column: Column) -> sql.Composable:
    """A cell of `rows_with_hidden` as it came: masked if it is hidden, and cut if it is longer than LONGEST_CELL."""
    return sql.SQL(
        "case when {0} is null then null when {2} then {3} when octet_length({0}::text) <= {1} then {0}::text"
        " else left({0}::text, {1}) || ' ... (' || char_length({0}::text) || ' karakter)' end"
    ).format(
        sql.Identifier("l", column.name),
        sql.Literal(LONGEST_CELL),
        sql.Identifier("h", column.name),
        sql.Literal(MASK),
    )


def distinguishing_text(contract: Contract, column: Column, cell: sql.Composable) -> sql.Composable:
    """A text of a cell of `rows_with_hidden` that distinguishes rows. A hidden cell gives at most a digest."""
    return _masked_where(contract, column, cell, sql.Identifier("h", column.name))


def key_text(contract: Contract, column: Column, cell: sql.Composable, *, refused: bool) -> sql.Composable:
    """A key's cell as text: the same for a refused row and for a row of raw, a stage or a reading of keys.

    refused: the cell belongs to `rows_with_hidden`, and is masked also if `h` says that it is hidden. The other
    relations have no such cells, so that the texts agree.
    """
    hidden = _looks_personal(contract, column, cell)
    if refused:
        by_rule = sql.Identifier("h", column.name)
        hidden = by_rule if hidden is None else sql.SQL("({} or {})").format(hidden, by_rule)
    if hidden is None:
        return sql.SQL("{}::text").format(cell)
    return _masked_where(contract, column, cell, hidden)


def _masked_where(
    contract: Contract, column: Column, cell: sql.Composable, hidden: sql.Composable
) -> sql.Composable:
    """The cell as text; where `hidden` holds, MASK and, unless the column is personal, a digest."""
    masked: sql.Composable = sql.Literal(MASK)
    if not column.personal:
        # Without a key only 32 bits: enough to distinguish rows, too few to find the number.
        digest = sql.SQL("left(md5({}::text), 8)").format(cell)
        if keys := purposes(contract):
            digest = sql.SQL("left({}, 16)").format(pseudonym(sql.SQL("{}::text").format(cell), keys[0]))
        masked = sql.SQL("{} || ' ' || {}").format(masked, digest)
    return sql.SQL("case when {0} is null then null when {1} then {2} else {0}::text end").format(
        cell, hidden, masked
    )


def _looks_personal(contract: Contract, column: Column, cell: sql.Composable) -> sql.Composable | None:
    """Whether a cell looks like a person's number; None for a type whose values never do."""
    if column.type.split("(")[0] not in _TYPES_OF_NUMBERS:
        return None
    shapes = personal_shapes.ALL if _has_persons(contract) else personal_shapes.NUMBERS
    return personal_shapes.contains_shape(sql.SQL("{}::text").format(cell), shapes)


def _has_persons(contract: Contract) -> bool:
    return any(c.personal for c in contract.columns)


def _hidden(plan: LoadPlan, column: Column) -> sql.Composable:
    """Whether a cell of the column is hidden."""
    contract = plan.contract
    if column.personal or is_text_beside_a_person(contract, column):
        return sql.SQL("true")
    looks_personal = _looks_personal(contract, column, sql.Identifier("l", column.name))
    reasons: list[sql.Composable] = [looks_personal] if looks_personal else []
    if _has_persons(contract):
        own_rules = [rule for rule in all_rules(plan) if rule.column.name == column.name]
        reasons += [sql.SQL("not {}").format(rule.predicate) for rule in own_rules]
    return sql.SQL(" or ").join(reasons) if reasons else sql.SQL("false")


def is_text_beside_a_person(contract: Contract, column: Column) -> bool:
    """Whether this is free text next to a personal column: a shifted row has a name there, which breaks no rule."""
    bound = (
        column.enum
        or column.reference
        or (column.format is not None and column.format not in _FORMATS_OF_PERSONS)
    )
    if column.type != "text" or bound or column.key:
        return False
    places = {c.name: place for place, c in enumerate(contract.columns)}
    around = (places[column.name] - 1, places[column.name] + 1)
    return any(contract.columns[n].personal for n in around if 0 <= n < len(contract.columns))
