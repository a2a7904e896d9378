"""Rows that are huge, too wide, or refused in great numbers. The load goes on or says why, and uses little memory."""

from __future__ import annotations

import random
import string
from typing import Any

from pipelines.contracts.files import read_contract
from pipelines.contracts.model import MOST_COLUMNS
from pipelines.load.stage.quarantine import SAMPLE
from tests.support.contracts import column, database, document, write
from tests.support.loads import Loads


def test_a_huge_row_loads_and_the_entry_of_a_huge_refused_one_is_short(loads: Loads) -> None:
    contract = loads.contract(
        column("kunci", primaryKey=True), column("nilai", "integer"), column("isi"), max_quarantine_share=0.9
    )
    huge = "ä" * 5_000_000
    batch = loads.load(contract, lambda *_: [["a", "1", huge], ["b", huge, None], [huge[:5000], "1", None]])
    assert (batch.loaded, batch.quarantined) == (1, 2)
    assert loads.run("select octet_length(isi) from raw.uji__data") == [(10_000_000,)]
    entries = loads.run(
        "select reasons->0->>'aturan', length(row::text) < 25000 from quarantine.row order by 1"
    )
    assert entries == [("kunci_panjang", True), ("tipe", True)]


def test_a_key_of_many_texts_that_no_index_takes_is_refused_by_a_rule(loads: Loads) -> None:
    names = [f"k{n}" for n in range(5)]
    contract = loads.contract(*(column(n, primaryKey=True) for n in names), max_quarantine_share=0.9)
    fits, too_much = [random_text(n, 480) for n in range(5)], [random_text(n, 585) for n in range(5)]
    batch = loads.load(contract, lambda *_: [fits, too_much])
    assert (batch.loaded, batch.quarantined) == (1, 1)
    ((reasons,),) = loads.run("select reasons from quarantine.row")
    assert [r["aturan"] for r in reasons] == ["kunci_panjang"] * 5


def random_text(seed: int, size: int) -> str:
    """Returns a text of random letters and digits, which PostgreSQL cannot compress."""
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=size))


def test_a_million_bad_rows_refuse_the_load_and_leave_a_sample(loads: Loads) -> None:
    contract = loads.contract(column("kunci", "integer"), column("nilai", "integer"))

    def refuse(staged: Any) -> Any:
        from pipelines.quality.gate import GateResult, quarantine_share

        return GateResult((quarantine_share(staged),))

    loads.load(contract, lambda *_: [["1", "1"]], gate=refuse)
    batch = loads.load(contract, lambda *_: ((str(n), "x") for n in range(1_000_000)), gate=refuse)
    assert (batch.state, batch.quarantined, batch.loaded) == ("rejected", 1_000_000, 0)
    assert batch.error is not None and "1.000.000 dari 1.000.000 baris dikarantina" in batch.error
    assert loads.run("select count(*) from quarantine.row") == [(SAMPLE,)]
    assert loads.raw(contract, "kunci", "nilai") == [(1, 1)]


def test_entries_of_rows_refused_again_stay_and_other_reasons_make_new_entries(
    loads: Loads,
) -> None:
    contract = loads.contract(
        column("kunci"),
        column("nilai", "integer", logicalTypeOptions={"minimum": 0}),
        column("isi"),
        max_quarantine_share=1.0,
    )

    def rows(*bad: str, before: int = 0) -> Any:
        good = [["baik", "1", None]] * before
        return lambda *_: [*good, *[[key, value, "y"] for key, value in zip("abcde", bad, strict=False)]]

    kept = "select entry_id, xmin::text, row ->> 'kunci' as k from quarantine.row where state = 'open' order by k"
    loads.load(contract, rows("x", "-1", "x", "x"))
    first = loads.run(kept)
    assert [key for *_, key in first] == list("abcd")
    loads.load(contract, rows("x", "-1", "x", "x"))
    assert loads.run(kept) == first
    # b is refused for another reason, c is fixed, and e is new.
    loads.load(contract, rows("x", "y", "2", "x", "x"))
    third = loads.run(kept)
    assert [key for *_, key in third] == list("abde")
    assert (third[0], third[2]) == (first[0], first[3]) and third[1][0] != first[1][0]
    states = "select row ->> 'kunci' || ' ' || (row ->> 'nilai'), state from quarantine.row order by 1, 2"
    assert loads.run(states) == [
        ("a x", "open"), ("b -1", "resolved"), ("b y", "open"), ("c x", "resolved"), ("d x", "open"), ("e x", "open"),
    ]  # fmt: skip
    # The same rule with another bound is another reason.
    stricter = loads.contract(
        column("kunci"),
        column("nilai", "integer", logicalTypeOptions={"minimum": 5}),
        column("isi"),
        max_quarantine_share=1.0,
    )
    loads.load(contract, rows("-1"))
    loads.load(stricter, rows("-1"))
    assert loads.run("select reasons -> 0 ->> 'pesan' from quarantine.row where state = 'open'") == [
        ("nilai: di luar rentang, paling kecil 5",)
    ]


def test_the_entry_of_a_row_stays_when_the_key_of_another_row_comes_twice(loads: Loads) -> None:
    contract = loads.contract(
        column("id", "integer", primaryKey=True),
        column("nilai", "integer", logicalTypeOptions={"maximum": 9}),
        max_quarantine_share=1.0,
    )
    rows = [["1", "1"], ["2", "99"]]
    loads.load(contract, lambda *_: rows)
    ((first,),) = loads.run("select entry_id from quarantine.row")
    loads.load(contract, lambda *_: [*rows, ["1", "3"]])
    entries = loads.run("select entry_id, state, row ->> 'id' from quarantine.row order by 1")
    assert entries == [(first, "open", "2"), (first + 1, "open", "1")]


def test_many_refused_rows_that_come_again_are_not_written_again(loads: Loads) -> None:
    contract = loads.contract(
        column("kunci", "integer"), column("nilai", "integer"), max_quarantine_share=1.0
    )
    many, written = 30_000, set[str]()
    # The place of each row and the transaction that wrote it. A row that is written again has another of both.
    places = "select md5(string_agg(ctid::text || xmin::text, ',' order by ctid)) from quarantine.row"
    for _ in range(3):
        batch = loads.load(contract, lambda *_: ((str(n), "x") for n in range(many)))
        assert (batch.quarantined, batch.loaded) == (many, 0)
        written.add(loads.run(places)[0][0])
        assert loads.run("select count(*), min(first_batch_id), max(last_batch_id) from quarantine.row") == [
            (many, 1, 1)
        ]
    assert len(written) == 1


def test_no_key_is_too_long_for_an_index(loads: Loads) -> None:
    """The keys consist of random characters, which no compression makes shorter."""
    chance = random.Random(7)

    def text(characters: int) -> str:
        return "".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(characters))

    parts = [column(f"k{n}", primaryKey=True) for n in range(5)]
    contract = loads.contract(
        *parts, column("n", "numeric", primaryKey=True), column("nilai", "integer"), max_quarantine_share=1.0
    )
    long = text(3000)
    rows = [
        [*(text(200) for _ in range(5)), "1", "1"],
        [*(text(140) for _ in range(5)), "1", "1"],
        [*(text(3000) for _ in range(5)), "1", "1"],
        [*"abcd", text(3000), "1", "x"],
        [*"abcd", long, "1", "x"],
        [*"abcd", long + "!", "1", "x"],
        [*"abcde", "1" * 9000, "1"],
        [*"abcde", "1", "1"],
    ]
    batch = loads.load(contract, lambda *_: rows)
    assert (batch.loaded, batch.quarantined) == (2, 6)
    assert loads.run(
        "select max(octet_length(row_key)) <= 1000, count(distinct row_key) from quarantine.row"
    ) == [(True, 6)]


def test_the_widest_table_loads_and_the_contract_refuses_a_wider_one(
    loads: Loads,
) -> None:
    columns = [
        column("id", "integer", primaryKey=True),
        *(column(f"n{n}", "integer") for n in range(MOST_COLUMNS - 1)),
    ]
    contract = loads.contract(*columns, key="uji/lebar", max_quarantine_share=1.0, write_disposition="merge")
    good = [["1", *["5"] * (MOST_COLUMNS - 1)], ["2", *["6"] * (MOST_COLUMNS - 1)]]
    bad = [["3", *["x"] * (MOST_COLUMNS - 1)], ["1", *["7"] * (MOST_COLUMNS - 1)]]
    for _ in range(2):
        batch = loads.load(contract, lambda *_: [*good, *bad])
        assert (batch.read, batch.quarantined) == (4, 2)
    assert loads.raw(contract, "id", f"n{MOST_COLUMNS - 2}") == [(1, 5), (2, 6)]
    widths = loads.run("select count(*) from quarantine.row q, jsonb_object_keys(row) k group by entry_id")
    assert widths == [(MOST_COLUMNS,)] * 2
    path = write(
        loads.folder,
        document(
            "uji/terlalu", [*columns, column("satu_lagi")], database("UJI_URL"), extract={"table": "data"}
        ),
    )
    _, faults = read_contract(path)
    assert [fault.message for fault in faults] == [
        f"{MOST_COLUMNS + 1} kolom melebihi batas {MOST_COLUMNS} kolom per tabel"
    ]
