"""Small cells stay hidden from whoever adds and subtracts: the macro sel_tersamar, on real PostgreSQL.

The attacker has every published cell and every published total, knows that numbers of people are whole, and that
nought is never hidden: what is hidden is one or more. Hidden numbers are then the whole solutions of a transportation problem, and the difference of two of them
falls apart into alternating cycles that never leave what is allowed (conformal decomposition; Ahuja, Magnanti and
Orlin, Network Flows, 1993, section 3.5). So a hidden cell could have another value exactly when a cycle through it
moves one person: `cycles` looks for one, and knows nothing of how the macro chose. `enumerated` tries all numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.models.project.render import Renderer
from pipelines.warehouse.relation import Relation
from tests.support.repository import MODELS

Cell = tuple[int, int]
"""Row and column; 0 is the total."""
Table = dict[Cell, int]

THRESHOLD = 5


@pytest.fixture(scope="module")
def hidden(module_pg_url: str) -> Iterator[Hide]:
    with psycopg.connect(module_pg_url, autocommit=True) as connection:
        connection.execute(
            "create table masukan (tabel int, baris int, kolom int, jumlah bigint, uang bigint)"
        )
        yield Hide(connection)


class Hide:
    """Runs the macro over several tables at once."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        macros = {"macros/penyamaran.sql": (MODELS / "macros/penyamaran.sql").read_text(encoding="utf-8")}

        def nowhere(*names: str) -> Relation:
            raise AssertionError(names)

        text = (
            "select tabel, coalesce(baris, 0), coalesce(kolom, 0), jumlah, uang"
            " from ({{ sel_tersamar('masukan', ['tabel'], 'baris', 'kolom', nilai=['uang']) }}) as sel"
        )
        renderer = Renderer(macros, {"ambang_samar": THRESHOLD})
        self._query = renderer.model("uji.sql", text, ref=nowhere, source=nowhere).sql

    def __call__(self, tables: list[Table]) -> list[dict[Cell, int | None]]:
        """Each table's cells with its totals; None where hidden."""
        return [people for people, _ in self.with_money([(table, {}) for table in tables])]

    def with_money(
        self, tables: list[tuple[Table, Table]]
    ) -> list[tuple[dict[Cell, int | None], dict[Cell, int | None]]]:
        """The same of people and of their money, cell by cell."""
        self._connection.execute("truncate masukan")
        with self._connection.cursor() as cursor:
            cursor.executemany(
                "insert into masukan values (%s, %s, %s, %s, %s)",
                [
                    (i, *cell, n, money.get(cell))
                    for i, (people, money) in enumerate(tables)
                    for cell, n in people.items()
                ],
            )
        found: list[tuple[dict[Cell, int | None], dict[Cell, int | None]]] = [({}, {}) for _ in tables]
        for i, r, c, n, amount in self._connection.execute(self._query.encode()):
            people, money = found[i]
            people[r, c], money[r, c] = n, amount
        return found


def with_totals(table: Table) -> Table:
    whole = dict(table)
    for (r, c), n in table.items():
        for key in ((r, 0), (0, c), (0, 0)):
            whole[key] = whole.get(key, 0) + n
    return whole


def cycles(true: Table, hidden: set[Cell]) -> set[Cell]:
    """The hidden cells that could have another value.

    Rows and columns are nodes, a hidden cell is an edge between its row and its column. With the sign of a total
    turned, every row and column of the table with its totals sums to nought: moving along a cycle keeps all sums.
    Forward (row to column) means +1 for the signed value.
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
    """The same by trying every number from 1 to `most` in every hidden inner cell: for very small tables."""
    inner = sorted(cell for cell in hidden if 0 not in cell)
    free: set[Cell] = set()
    for numbers in product(range(1, most + 1), repeat=len(inner)):
        guess = {cell: n for cell, n in true.items() if 0 not in cell} | dict(
            zip(inner, numbers, strict=True)
        )
        whole = with_totals(guess)
        if all(whole[cell] == n for cell, n in true.items() if cell not in hidden):
            free |= {cell for cell in hidden if whole[cell] != true[cell]}
    return free


def check(table: Table, published: dict[Cell, int | None]) -> set[Cell]:
    """Holds for every table; returns its hidden cells."""
    true = with_totals(table)
    hidden = {cell for cell, n in published.items() if n is None}
    assert {cell: n for cell, n in published.items() if n is not None} == {
        cell: n for cell, n in true.items() if cell not in hidden
    }
    assert {cell for cell, n in true.items() if 0 < n < THRESHOLD} <= hidden
    assert all(true[cell] > 0 for cell in hidden)
    assert cycles(true, hidden) == hidden
    return hidden


NUMBERS = st.one_of(st.integers(0, 6), st.integers(0, 30), st.just(0))
TABLES = st.tuples(st.integers(1, 5), st.integers(1, 4)).flatmap(
    lambda size: st.dictionaries(
        st.tuples(st.integers(1, size[0]), st.integers(1, size[1])), NUMBERS, min_size=1
    )
)


@settings(max_examples=60)
@given(st.lists(TABLES, min_size=1, max_size=12))
def test_no_hidden_cell_has_only_one_value(hidden: Hide, tables: list[Table]) -> None:
    """Any table, with gaps where a combination does not occur; several at once do not disturb each other."""
    for table, published in zip(tables, hidden(tables), strict=True):
        check(table, published)


@settings(max_examples=40)
@given(TABLES, st.lists(st.integers(2, 10**7), min_size=20, max_size=20))
def test_money_hides_with_the_people_whose_it_is(hidden: Hide, people: Table, amounts: list[int]) -> None:
    """Where there are people there is money, of any amount: with the sums of all money published as well, no hidden
    amount is the only one possible."""
    money = {cell: n and amount for (cell, n), amount in zip(people.items(), amounts, strict=False)}
    ((numbers, published),) = hidden.with_money([(people, money)])
    gone = check(people, numbers)
    true = with_totals(money)
    assert published == {cell: None if cell in gone else n for cell, n in true.items()}
    assert cycles(true, gone) == gone


SMALL = st.dictionaries(st.tuples(st.integers(1, 2), st.integers(1, 2)), st.integers(0, 6), min_size=1)


@settings(max_examples=25)
@given(st.lists(SMALL, min_size=1, max_size=3))
def test_cycles_find_what_trying_every_number_finds(hidden: Hide, tables: list[Table]) -> None:
    for table, published in zip(tables, hidden(tables), strict=True):
        found = check(table, published)
        assert enumerated(with_totals(table), found, 7) == found


def test_the_attack_sees_through_primary_suppression_alone() -> None:
    """What was done before: 3 hidden, its row's total and the other cell of its row published: 10 - 7 = 3."""
    true = with_totals({(1, 1): 3, (1, 2): 7, (2, 1): 20, (2, 2): 9})
    assert cycles(true, {(1, 1)}) == set() == enumerated(true, {(1, 1)}, 10)
    square = {(1, 1), (1, 2), (2, 1), (2, 2)}
    assert cycles(true, square) == square


def test_the_cheapest_square_is_hidden_and_totals_only_where_there_is_no_other(hidden: Hide) -> None:
    """First: the small cell is 3; of the two squares the one through row 3 hides 6 + 8 + 9 = 23 people, that
    through row 2 hides 6 + 20 + 9 = 35. Second: one row, so its own total must go, and two of the columns'."""
    first = {(1, 1): 3, (1, 2): 6, (2, 1): 20, (2, 2): 9, (3, 1): 8, (3, 2): 9}
    second = {(1, 1): 3, (1, 2): 60}
    third = {(1, 1): 50, (1, 2): 0, (2, 1): 7, (2, 2): 8}
    published = hidden([first, second, third])
    assert check(first, published[0]) == {(1, 1), (1, 2), (3, 1), (3, 2)}
    assert check(second, published[1]) == {(1, 1), (1, 2), (0, 1), (0, 2)}
    assert check(third, published[2]) == set()  # nought is nobody


def test_two_ones_do_not_hide_each_other(hidden: Hide) -> None:
    """5 and two ones, 7 together: were only the ones hidden, they would be 7 - 5 = 2, and nought is never hidden, so
    one each. Each goes with the 5 or with all of its totals."""
    table = {(1, 1): 5, (2, 1): 1, (3, 1): 1}
    assert cycles(with_totals(table), {(2, 1), (2, 0), (3, 1), (3, 0)}) == set()
    (published,) = hidden([table])
    assert len(check(table, published)) > 4
