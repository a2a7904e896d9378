"""The matrix of BPS's dynamic tables as records: the documented form, and its errors."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from tests.support.extracts import api_contract, column, decode_copy
from tests.support.http_server import SECRET, Reply, Request, Server, fault, opened, reply, rows

ANSWER: dict[str, Any] = {
    "status": "OK",
    "data-availability": "available",
    "var": [
        {"val": 145, "label": "Persentase Rumah Tangga", "unit": "Persen", "subj": "Lingkungan", "note": ""}
    ],
    "turvar": [{"val": 289, "label": "Listrik PLN"}, {"val": 290, "label": "Lainnya"}],
    "labelvervar": "Provinsi",
    "vervar": [{"val": 6400, "label": "KALIMANTAN TIMUR"}, {"val": 9999, "label": "<b>INDONESIA</b>"}],
    "tahun": [{"val": 100, "label": "2000"}, {"val": 101, "label": "2001"}],
    "turtahun": [{"val": 0, "label": "Tahun"}],
    "metadata": {"activity": None},
    "datacontent": {"99991452891000": 83.68, "64001452901010": 12.50, "64001452891000": "14,45"},
}
PATH = "/v1/api/list/model/data/lang/ind/domain/6400/var/145/th/100;101/key/${GUDANG_SUMBER_UJI_TOKEN}/"
PARTS = (
    "vervar.val",
    "vervar.label",
    "turvar.val",
    "tahun.label",
    "turtahun.label",
    "var.unit",
    "datacontent",
)
CONTRACT = api_contract(
    *(column(part.replace(".", "_"), part) for part in PARTS), path=PATH, records="", shape="bps_data"
)


def answer_with(**parts: Any) -> dict[str, Any]:
    return {**deepcopy(ANSWER), **parts}


def dimension(*ids: Any) -> list[dict[str, Any]]:
    return [{"val": i, "label": f"l{i}"} for i in ids]


def test_matrix_becomes_one_row_per_cell_with_ids_and_labels(server: Server) -> None:
    server.answer = lambda _: Reply(json.dumps(ANSWER).replace("12.5,", "12.50,").encode())
    stream = opened(server, CONTRACT)
    assert [row[:-1] for row in decode_copy(stream.blocks)] == [
        ["6400", "KALIMANTAN TIMUR", "289", "2000", "Tahun", "Persen", "14,45"],
        ["6400", "KALIMANTAN TIMUR", "290", "2001", "Tahun", "Persen", "12.50"],
        ["9999", "<b>INDONESIA</b>", "289", "2000", "Tahun", "Persen", "83.68"],
    ]
    assert stream.warnings == []
    assert server.requests[0].path.endswith(f"/th/100;101/key/{SECRET}/")
    assert "tahun.val" in stream.shape
    assert stream.name == PATH


def test_key_may_be_in_the_query_and_the_answer_in_a_wrapper(server: Server) -> None:
    key = {"type": "api_key", "in": "query", "name": "key", "value": "${GUDANG_SUMBER_UJI_TOKEN}"}
    server.answer = lambda _: reply({"data": ANSWER})
    contract = api_contract(column("nilai", "datacontent"), records="/data", shape="bps_data", auth=key)
    assert len(rows(server, contract)) == 3
    assert server.requests[0].query == {"key": SECRET}


def test_key_of_a_cell_is_split_by_the_ids_of_the_dimensions(server: Server) -> None:
    """A split at the first id that fits would read vervar 112 as 1, and turtahun 10 as 1."""
    answer = answer_with(
        var=dimension(7),
        vervar=dimension(1, 112),
        turvar=dimension(23, 3),
        tahun=dimension(9),
        turtahun=dimension(0, 10),
        datacontent={"172390": 1, "1127390": 2, "1723910": 3},
    )
    server.answer = lambda _: reply(answer)
    contract = api_contract(
        *(column(n, f"{n}.val") for n in ("vervar", "turvar", "turtahun")),
        column("nilai", "datacontent"),
        shape="bps_data",
        records="",
    )
    found = [row[:-1] for row in rows(server, contract)]
    assert found == [["1", "23", "0", "1"], ["1", "23", "10", "3"], ["112", "3", "0", "2"]]


def test_key_that_fits_two_cells_is_refused(server: Server) -> None:
    answer = answer_with(
        var=dimension(1), vervar=dimension(1, 11), turvar=dimension(11, 1), datacontent={"11111000": 5}
    )
    server.answer = lambda _: reply(answer)
    assert "nilai '11111000' cocok dengan dua sel" in fault(server, CONTRACT).message
    server.answer = lambda _: reply({**answer, "datacontent": {"11111010": 5}, "vervar": dimension(11)})
    assert [row[0] for row in rows(server, CONTRACT)] == ["11"]


@pytest.mark.parametrize(
    "parts", [{"turvar": []}, {"turvar": None}, {"turvar": ""}, {"turvar": dimension(0)}]
)
def test_missing_derived_dimension_has_id_0(server: Server, parts: dict[str, Any]) -> None:
    server.answer = lambda _: reply(answer_with(**parts, datacontent={"999914501010": 7}))
    assert [row[2] for row in rows(server, CONTRACT)] == ["0"]


def test_dash_and_null_are_kept_unchanged(server: Server) -> None:
    server.answer = lambda _: reply(answer_with(datacontent={"99991452891000": None, "64001452901010": "-"}))
    assert [row[-2] for row in rows(server, CONTRACT)] == ["-", None]


def test_empty_list_in_place_of_the_matrix_gives_no_rows(server: Server) -> None:
    server.answer = lambda _: reply(answer_with(datacontent=[]))
    stream = opened(server, CONTRACT)
    assert list(stream.blocks) == []
    assert stream.warnings == ["API tidak memberi rekaman"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"status": "Error", "message": f"key {SECRET} unknown"}, "BPS menjawab dengan kesalahan"),
        ({"status": "OK", "data-availability": "list-not-available", "data": ""}, "BPS tidak punya data"),
        ({"status": "OK"}, "BPS tidak punya data"),
        ({"error": "UserNotFound"}, "bukan jawaban Web API BPS"),
        ([ANSWER], "bukan jawaban Web API BPS"),
        (answer_with(vervar=[]), "vervar bukan daftar berisi {val, label}"),
        (answer_with(tahun="2000"), "tahun bukan daftar berisi {val, label}"),
        (answer_with(turvar=[289]), "turvar bukan daftar berisi {val, label}"),
        (answer_with(vervar=[{"label": "x"}]), "vervar bukan daftar berisi {val, label}"),
        (answer_with(vervar=[{"val": 1.5, "label": "x"}]), "vervar bukan daftar berisi {val, label}"),
        (
            answer_with(tahun=[{"val": 100, "label": "2000"}, {"val": 100, "label": "2001"}]),
            "100 punya dua label",
        ),
        (answer_with(datacontent=None), "datacontent bukan objek"),
        (answer_with(datacontent=[1]), "datacontent bukan objek"),
        (
            answer_with(datacontent={"64001452891000": 1, "1": 2, "0": 3}),
            "2 nilai tidak cocok dengan sel mana pun: 0, 1",
        ),
        (answer_with(vervar=dimension(*range(3000)), tahun=dimension(*range(1000))), "lebih dari 5 juta sel"),
    ],
)
def test_answer_without_a_valid_matrix_is_refused(server: Server, answer: Any, message: str) -> None:
    server.answer = lambda _: reply(answer)
    error = fault(server, CONTRACT)
    assert message in error.message
    assert not error.transient


def test_column_that_the_matrix_does_not_have_is_missing(server: Server) -> None:
    server.answer = lambda _: reply(ANSWER)
    contract = api_contract(column("catatan", "var.note"), shape="bps_data", records="")
    assert "tidak ada di rekaman mana pun pada halaman pertama: var.note" in fault(server, contract).message


def test_each_year_may_be_a_page(server: Server) -> None:
    def answer(request: Request) -> Reply:
        year = int(request.query["th"])
        return reply(
            answer_with(tahun=dimension(year), datacontent={f"6400145289{year}0": year} if year < 3 else [])
        )

    server.answer = answer
    contract = api_contract(
        column("nilai", "datacontent"),
        shape="bps_data",
        records="",
        pagination={"type": "page", "param": "th", "last_page": "empty"},
    )
    assert [row[0] for row in rows(server, contract)] == ["1", "2"]
