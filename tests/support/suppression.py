"""An attack on hidden cells of a table with totals: which of them could have another value?

The attacker has every published cell and every published total, and knows that numbers of people are whole and that 0
is never hidden. So the hidden numbers are a whole solution of a transportation problem. The difference of two solutions
is a sum of alternating cycles, each of which keeps all numbers allowed (conformal decomposition; Ahuja, Magnanti and
Orlin, Network Flows, 1993, section 3.5). A hidden cell could therefore have another value exactly when a cycle through
it moves one person. `cycles` searches for one and does not know how the cells were chosen. `enumerated` tries all
numbers.
"""

from __future__ import annotations

from itertools import product

Cell = tuple[int, int]
"""Row and column; 0 is the total."""
Table = dict[Cell, int]

THRESHOLD = 5
"""Smaller numbers than this are hidden."""


def with_totals(table: Table) -> Table:
    """The table with the totals of its rows, of its columns, and of all."""
    found = dict(table)
    for (r, c), n in table.items():
        for key in ((r, 0), (0, c), (0, 0)):
            found[key] = found.get(key, 0) + n
    return found


def cycles(true: Table, hidden: set[Cell]) -> set[Cell]:
    """The hidden cells that could have another value.

    Rows and columns are nodes; a hidden cell is an edge between its row and its column. If totals count as negative,
    each row and each column of the table with its totals sums to 0, so moving along a cycle keeps all sums. Forward
    (row to column) means +1 for the signed value.
    """
    moves: dict[tuple[str, int], list[tuple[tuple[str, int], Cell]]] = {}
    for r, c in hidden:
        sign = -1 if (r == 0) != (c == 0) else 1
        may_grow, may_shrink = True, true[r, c] > 1
        row, column = ("r", r), ("c", c)
        if may_grow if sign == 1 else may_shrink:
            moves.setdefault(row, []).append((column, (r, c)))
        if may_shrink if sign == 1 else may_grow:
            moves.setdefault(column, []).append((row, (r, c)))

    def reaches(start: tuple[str, int], goal: tuple[str, int], without: Cell) -> bool:
        seen, waiting = {start}, [start]
        while waiting:
            for node, cell in moves.get(waiting.pop(), []):
                if cell != without and node not in seen:
                    if node == goal:
                        return True
                    seen.add(node)
                    waiting.append(node)
        return False

    free: set[Cell] = set()
    for start, ways in moves.items():
        for end, cell in ways:
            if reaches(end, start, cell):
                free.add(cell)
    return free


def enumerated(true: Table, hidden: set[Cell], most: int) -> set[Cell]:
    """The same, found by trying each number from 1 to `most` in each hidden inner cell. For very small tables."""
    inner = sorted(cell for cell in hidden if 0 not in cell)
    free: set[Cell] = set()
    for numbers in product(range(1, most + 1), repeat=len(inner)):
        guess = {cell: n for cell, n in true.items() if 0 not in cell} | dict(
            zip(inner, numbers, strict=True)
        )
        found = with_totals(guess)
        if all(found[cell] == n for cell, n in true.items() if cell not in hidden):
            free |= {cell for cell in hidden if found[cell] != true[cell]}
    return free
