"""The macro sel_tersamar on a real PostgreSQL: small cells stay hidden from people who add and subtract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.models.project.render import Renderer
from pipelines.warehouse.relation import Relation
from tests.support.repository import MODELS
from tests.support.suppression import THRESHOLD, Cell, Table, cycles, enumerated, with_totals


@pytest.fixture(scope="module")
def hidden(module_pg_url: str) -> Iterator[Hide]:
    with psycopg.connect(module_pg_url, autocommit=True) as connection:
        connection.execute(
            "create table masukan (tabel int, baris int, kolom int, jumlah bigint, uang bigint, orang int)"
        )
        yield Hide(connection)


class Hide:
    """Runs the macro over several tables at once."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._query = self._rendered("nilai=['uang']")
        self._query_of_persons = self._rendered("nilai=['uang'], pihak='orang'")

    @staticmethod
    def _rendered(arguments: str) -> str:
        macros = {"macros/penyamaran.sql": (MODELS / "macros/penyamaran.sql").read_text(encoding="utf-8")}

        def nowhere(*names: str) -> Relation:
            raise AssertionError(names)

        text = (
            "select tabel, coalesce(baris, 0), coalesce(kolom, 0), jumlah, uang"
            " from ({{ sel_tersamar('masukan', ['tabel'], 'baris', 'kolom', @) }}) as sel"
        ).replace("@", arguments)
        renderer = Renderer(macros, {"ambang_samar": THRESHOLD})
        return renderer.model("uji.sql", text, ref=nowhere, source=nowhere).sql

    def __call__(self, tables: list[Table]) -> list[dict[Cell, int | None]]:
        """Each table's cells with its totals, None where hidden."""
        return [people for people, _ in self.with_money([(table, {}) for table in tables])]

    def with_money(
        self, tables: list[tuple[Table, Table]]
    ) -> list[tuple[dict[Cell, int | None], dict[Cell, int | None]]]:
        """The same for people and for their money."""
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

    def visits(self, patients: Patients) -> dict[Cell, int | None]:
        """Each cell's visits with its totals, None where hidden, of one table in which persons are protected."""
        self._connection.execute("truncate masukan")
        with self._connection.cursor() as cursor:
            cursor.executemany(
                "insert into masukan values (1, %s, %s, 1, null, %s)",
                [(*cell, person) for cell, persons in patients.items() for person in persons],
            )
        rows = self._connection.execute(self._query_of_persons.encode())
        return {(r, c): n for _, r, c, n, _ in rows}


Patients = Mapping[Cell, Sequence[int | None]]
"""The patient of each visit of a cell; None where nobody wrote down who it was."""


def check_table(table: Table, published: dict[Cell, int | None]) -> set[Cell]:
    """Asserts what holds for each table, and gives its hidden cells."""
    true = with_totals(table)
    hidden = {cell for cell, n in published.items() if n is None}
    assert {cell: n for cell, n in published.items() if n is not None} == {
        cell: n for cell, n in true.items() if cell not in hidden
    }
    assert {cell for cell, n in true.items() if 0 < n < THRESHOLD} <= hidden
    assert all(true[cell] > 0 for cell in hidden)
    assert cycles(true, hidden) == hidden
    return hidden


def check_visits(patients: Patients, published: dict[Cell, int | None]) -> set[Cell]:
    """Asserts the same for visits, and that no published number is of fewer than five persons. Gives the hidden cells."""
    true = with_totals({cell: len(persons) for cell, persons in patients.items()})
    hidden = {cell for cell, n in published.items() if n is None}
    assert {c: n for c, n in published.items() if n is not None} == {
        c: n for c, n in true.items() if c not in hidden
    }
    for r, c in true:
        within = {p for (i, j), persons in patients.items() if r in (0, i) and c in (0, j) for p in persons}
        assert (r, c) in hidden or len(within) >= THRESHOLD
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
def test_each_hidden_cell_could_have_another_value(hidden: Hide, tables: list[Table]) -> None:
    """Tables have gaps where a combination does not occur. Several tables at once do not affect each other."""
    for table, published in zip(tables, hidden(tables), strict=True):
        check_table(table, published)


@settings(max_examples=40)
@given(TABLES, st.lists(st.integers(2, 10**7), min_size=20, max_size=20))
def test_money_is_hidden_with_its_people(hidden: Hide, people: Table, amounts: list[int]) -> None:
    """Where there are people there is money, of any amount. All sums of money are published as well, and still each
    hidden amount could be another.
    """
    money = {cell: n and amount for (cell, n), amount in zip(people.items(), amounts, strict=False)}
    ((numbers, published),) = hidden.with_money([(people, money)])
    hidden_cells = check_table(people, numbers)
    true = with_totals(money)
    assert published == {cell: None if cell in hidden_cells else n for cell, n in true.items()}
    assert cycles(true, hidden_cells) == hidden_cells


PATIENTS = st.dictionaries(
    st.tuples(st.integers(1, 4), st.integers(1, 3)),
    st.lists(st.one_of(st.none(), st.integers(1, 12)), min_size=1, max_size=14),
    min_size=1,
)


@settings(max_examples=120)
@given(PATIENTS)
def test_visits_of_few_persons_are_hidden_however_many_they_are(hidden: Hide, patients: Patients) -> None:
    """Persons come several times, to several cells. Each hidden number of visits could be another."""
    check_visits(patients, hidden.visits(patients))


def test_six_visits_of_one_person_are_a_small_cell(hidden: Hide) -> None:
    """Only the cell with one patient's 6 visits is small. It goes with three others. Nothing else is hidden."""
    many = {
        (1, 2): [*range(10, 16)],
        (2, 1): [*range(20, 25)],
        (2, 2): [*range(30, 37)],
        (3, 1): [*range(40, 60)],
    }
    published = hidden.visits({(1, 1): [1] * 6, **many})
    assert check_visits({(1, 1): [1] * 6, **many}, published) == {(1, 1), (1, 2), (2, 1), (2, 2)}
    assert published[0, 0] == 44
    assert (
        check_visits(
            {(1, 1): [1, 2, 3, 4, 5, 5], **many}, hidden.visits({(1, 1): [1, 2, 3, 4, 5, 5], **many})
        )
        == set()
    )


def test_a_total_of_one_person_in_many_cells_is_hidden(hidden: Hide) -> None:
    """One patient comes twice to each of 6 kecamatan: the total of the column is 12 visits, and still one person."""
    patients: Patients = {(r, 1): [1, 1] for r in range(1, 7)} | {
        (r, 2): [*range(10 * r, 10 * r + 9)] for r in range(1, 7)
    }
    published = hidden.visits(patients)
    assert (0, 1) in check_visits(patients, published)
    assert published[0, 0] == 66


def test_visits_without_a_person_may_all_be_of_one(hidden: Hide) -> None:
    """Nine visits without a patient's number count as one person. With four patients that makes five, with three four."""
    rest: Patients = {(1, 2): [*range(10, 20)], (2, 1): [*range(20, 30)], (2, 2): [*range(30, 40)]}
    five: Patients = {(1, 1): [None] * 9 + [1, 2, 3, 4], **rest}
    assert check_visits(five, hidden.visits(five)) == set()
    four: Patients = {(1, 1): [None] * 9 + [1, 2, 3], **rest}
    assert (1, 1) in check_visits(four, hidden.visits(four))


SMALL = st.dictionaries(st.tuples(st.integers(1, 2), st.integers(1, 2)), st.integers(0, 6), min_size=1)


@settings(max_examples=25)
@given(st.lists(SMALL, min_size=1, max_size=3))
def test_the_attack_finds_the_same_as_trying_every_number(hidden: Hide, tables: list[Table]) -> None:
    for table, published in zip(tables, hidden(tables), strict=True):
        found = check_table(table, published)
        assert enumerated(with_totals(table), found, 7) == found


def test_the_attack_finds_a_cell_that_is_hidden_alone() -> None:
    """The 3 is hidden; the total of its row and the other cell of its row are published: 10 - 7 = 3."""
    true = with_totals({(1, 1): 3, (1, 2): 7, (2, 1): 20, (2, 2): 9})
    assert cycles(true, {(1, 1)}) == set() == enumerated(true, {(1, 1)}, 10)
    square = {(1, 1), (1, 2), (2, 1), (2, 2)}
    assert cycles(true, square) == square


def test_the_cheapest_cells_are_hidden_and_totals_only_where_needed(hidden: Hide) -> None:
    """First: the small cell is 3. With row 3, four cells are hidden that have 6 + 8 + 9 = 23 more people; with row
    2 it would be 6 + 20 + 9 = 35. Second: there is only one row, so the totals of its two columns are hidden.
    Third: nothing is.
    """
    first = {(1, 1): 3, (1, 2): 6, (2, 1): 20, (2, 2): 9, (3, 1): 8, (3, 2): 9}
    second = {(1, 1): 3, (1, 2): 60}
    third = {(1, 1): 50, (1, 2): 0, (2, 1): 7, (2, 2): 8}
    published = hidden([first, second, third])
    assert check_table(first, published[0]) == {(1, 1), (1, 2), (3, 1), (3, 2)}
    assert check_table(second, published[1]) == {(1, 1), (1, 2), (0, 1), (0, 2)}
    assert check_table(third, published[2]) == set()


def test_two_cells_of_one_person_do_not_hide_each_other(hidden: Hide) -> None:
    """The column has 5, 1 and 1, together 7. With only the ones hidden, their sum would be 7 - 5 = 2, and as 0 is
    never hidden, each would be 1. So the 5 is hidden, too, or the totals are.
    """
    table = {(1, 1): 5, (2, 1): 1, (3, 1): 1}
    assert cycles(with_totals(table), {(2, 1), (2, 0), (3, 1), (3, 0)}) == set()
    (published,) = hidden([table])
    assert len(check_table(table, published)) > 4
