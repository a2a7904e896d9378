"""The warehouse and Python recognise the same personal numbers. All numbers are made up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from pipelines.redaction.personal_shapes import ALL, NUMBERS, contains_shape, found, is_nik_when_joined, plain
from tests.support.parsers import IN_SETS, Warehouse
from tests.unit.redaction.test_personal_shapes import KINDS, OTHERS, SPELLINGS

TEXTS = [
    *SPELLINGS.values(),
    *OTHERS.values(),
    *(t for pair in KINDS.values() for texts in pair for t in texts),
]


def assert_agreement(ops: Warehouse, texts: list[str]) -> None:
    assert ops.ask("bentuk_polos", texts) == [plain(text) for text in texts]
    for shape in ALL:
        expected = [shape in found(text, ALL) for text in texts]
        assert dict(zip(texts, ops.ask(f"berbentuk_{shape.name}", texts), strict=True)) == dict(
            zip(texts, expected, strict=True)
        ), shape.name
    for shapes in (NUMBERS, ALL):
        query = sql.SQL("select t, {} from unnest(%s::text[]) as u (t)").format(
            contains_shape(sql.SQL("t"), shapes)
        )
        answers = dict(ops.connection.execute(query, [texts]).fetchall())
        assert answers == {text: bool(found(text, shapes)) for text in texts}


def test_the_warehouse_and_python_find_the_same(ops: Warehouse) -> None:
    assert_agreement(ops, TEXTS)


@IN_SETS
@given(
    st.lists(
        st.from_regex(
            r"\A[0-9\uff10]{0,4}([ ./_:|,;\u2013-]{0,3}(64|72|01|15|03|90|0001|085|ab@c.id)){4,10}\Z"
        )
    )
)
def test_the_warehouse_and_python_agree_on_generated_texts(ops: Warehouse, texts: list[str]) -> None:
    assert_agreement(ops, sorted(set(texts)))


def test_valid_niks_and_nips_have_the_personal_shape(ops: Warehouse) -> None:
    niks = ["9901010101900001", "6472014107900001", "6472013112990123"]
    # PNS, and PPPK with the least and the greatest number in place of the month.
    nips = ["198501012010011001", "198501012023211001", "198501012023322001"]
    assert ops.ask("cek_nik", niks) == ops.ask("berbentuk_nik", niks) == [True] * 3
    assert ops.ask("cek_nip", nips) == ops.ask("berbentuk_nip", nips) == [True] * 3


def test_a_nik_split_over_two_cells_is_found_and_two_codes_are_not(ops: Warehouse) -> None:
    pairs = {
        ("647201", "5203900001"): True,
        ("647201520390", "0001"): True,
        ("64.72.01", "5203900001"): False,
        ("6472051004", "202401"): False,
        ("64.72.05.1004", "010124"): False,
        ("640205", "6402050004"): False,
        ("6472015203900001", "12"): False,
        ("Samarinda", "5203900001"): False,
        ("", "6472015203900001"): False,
    }
    query = sql.SQL(
        "select {} from unnest(%s::text[], %s::text[]) with ordinality u(a, b, n) order by n"
    ).format(is_nik_when_joined(sql.Identifier("a"), sql.Identifier("b")))
    rows = ops.connection.execute(query, [[a for a, _ in pairs], [b for _, b in pairs]]).fetchall()
    assert dict(zip(pairs, (row[0] for row in rows), strict=True)) == pairs
