"""Finds out from a model's SQL whether and how it hides small cells (adr/018, adr/024).

What belongs here: whether its rows are those of the suppressing macro, which columns are the keys of the cells, and
below what number the macro hides. Not here: whether that is enough (publication/clearance.py), what the macro does
(penyamaran.sql).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

PRIMARY = "primer"
"""The macro's column that is true where a cell is hidden because its number is small, not to protect another cell."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a suppressed table.

    keys: the columns that identify a cell. below: cells with a smaller number are hidden; 0 where that is not certain.
    """

    keys: tuple[str, ...]
    below: int


def cells(suppression: str) -> Cells | None:
    """The cells of the query that the suppressing macro gave; None where it cannot be read or has no keys."""
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError

    try:
        tree = parse_one(suppression, dialect="postgres")
    except SqlglotError:
        return None
    group = tree.find(exp.Group)
    keys = tuple(dict.fromkeys(c.name for c in group.find_all(exp.Column))) if group is not None else ()
    limits = [_limit(alias.this) for alias in tree.find_all(exp.Alias) if alias.alias == PRIMARY]
    return Cells(keys, limits[0] if len(limits) == 1 else 0) if keys else None


def _limit(condition: exp.Expr) -> int:
    """The 5 of `(jumlah > 0 and jumlah < 5)`; 0 for any other condition, which may hide fewer cells."""
    from sqlglot import exp

    less = condition.find(exp.LT)
    if less is None or not isinstance(less.expression, exp.Literal) or not less.expression.is_int:
        return 0
    number, below = _text(less.this), int(less.expression.this)
    return below if _text(condition) == f"({number} > 0 AND {number} < {below})" else 0


def same_query(sql: str, other: str) -> bool:
    """Whether the query `sql` gives the rows of its last CTE as they are, and that CTE is the query `other`."""
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError

    try:
        tree, wanted = parse_one(sql, dialect="postgres"), parse_one(other, dialect="postgres")
    except SqlglotError:
        return False
    ctes = tree.args["with_"].expressions if tree.args.get("with_") else []
    if not ctes or not isinstance(tree, exp.Select):
        return False
    last = ctes[-1]
    bare = tree.copy()
    bare.set("with_", None)
    plain = exp.select("*").from_(last.alias)
    return _text(bare) == _text(plain) and _text(last.this) == _text(wanted)


def _text(tree: exp.Expr) -> str:
    return tree.sql(dialect="postgres", comments=False)
