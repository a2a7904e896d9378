"""The demo's APIs give every record once, to those who have the key, by each way of paging."""

from __future__ import annotations

import base64
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from demo import indicators
from demo.api import CREDENTIALS, SERVICES, Answer, BadDays, answer, make_server

BASIC = base64.b64encode(f"gudang:{CREDENTIALS['GUDANG_SUMBER_DISKOMINFO_PASSWORD']}".encode()).decode()
HEADERS = {
    "/v1/izin": {"Authorization": f"Bearer {CREDENTIALS['GUDANG_SUMBER_DPMPTSP_TOKEN']}"},
    "/api/harga": {"X-Api-Key": CREDENTIALS["GUDANG_SUMBER_DISPERINDAGKOP_KEY"]},
    "/aduan": {"Authorization": f"Basic {BASIC}"},
    "/inventaris": {"Authorization": f"Basic {BASIC}"},
    "/ispu": {},
    "/pencari-kerja": {"Authorization": f"Bearer {CREDENTIALS['GUDANG_SUMBER_DISNAKERTRANS_TOKEN']}"},
}
KEY = {"api_key": CREDENTIALS["GUDANG_SUMBER_DLH_KEY"]}
BPS = "/v1/api/list/model/data/lang/ind/domain/6400"
BPS_KEY = {"key": CREDENTIALS["GUDANG_SUMBER_BPS_KEY"]}


def ask(path: str, **query: str) -> Answer:
    extra = KEY if path == "/ispu" else {}
    return answer(path, {**query, **extra}, HEADERS[path], f"http://127.0.0.1{path}")


def by_page() -> Iterator[dict[str, Any]]:
    page, total = 1, 1
    while (page - 1) * 500 < total:
        body = ask("/v1/izin", page=str(page), per_page="500").body
        total, page = body["meta"]["total"], page + 1
        yield from body["data"]


def by_offset() -> Iterator[dict[str, Any]]:
    offset, total = 0, 1
    while offset < total:
        body = ask("/api/harga", offset=str(offset), limit="1000").body
        total, offset = body["total"], offset + 1000
        yield from body["data"]


def by_cursor() -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        body = ask("/aduan", cursor=cursor).body
        cursor = body["meta"]["next_cursor"]
        yield from body["items"]


def by_link() -> Iterator[dict[str, Any]]:
    query: dict[str, str] | None = {"per_page": "500"}
    while query is not None:
        said = ask("/ispu", **query)
        yield from said.body["data"]
        link = dict(said.headers).get("Link")
        query = None
        if link:
            assert "api_key" not in link
            query = {k: v[0] for k, v in parse_qs(urlsplit(link.split(">")[0][1:]).query).items()}


def by_next_url() -> Iterator[dict[str, Any]]:
    query: dict[str, str] | None = {"per_page": "5000"}
    while query is not None:
        body = ask("/pencari-kerja", **query).body
        yield from body["data"]
        following = body["links"]["next"]
        query = following and {k: v[0] for k, v in parse_qs(urlsplit(following).query).items()}


def whole() -> Iterator[dict[str, Any]]:
    yield from ask("/inventaris").body["data"]


@pytest.mark.parametrize(
    ("path", "walk"),
    [
        ("/v1/izin", by_page),
        ("/api/harga", by_offset),
        ("/aduan", by_cursor),
        ("/ispu", by_link),
        ("/pencari-kerja", by_next_url),
        ("/inventaris", whole),
    ],
)
def test_paging_gives_every_record_once_and_in_order(path: str, walk: Any) -> None:
    assert list(walk()) == SERVICES[path].records()


@pytest.mark.parametrize("path", list(HEADERS))
def test_without_its_key_a_path_answers_401(path: str) -> None:
    assert answer(path, {}, {}, "").status == 401
    assert (
        answer(path, {"api_key": "salah"}, {"Authorization": "Bearer salah", "X-Api-Key": "salah"}, "").status
        == 401
    )


def test_every_service_is_asked_here() -> None:
    assert [path for path in SERVICES if path not in HEADERS] == ["/v1/api/list/model/data/"]


def test_bps_gives_the_matrix_of_what_was_asked_and_no_more() -> None:
    """Years count from 1900; a key is region, variable, derived variable, year and derived period behind each other."""
    path = f"{BPS}/var/9001;9003/th/115;125/"
    body = answer(path, BPS_KEY, {}, f"http://127.0.0.1{path}").body
    assert body["data-availability"] == "available"
    assert [v["val"] for v in body["var"]] == [9001, 9003]
    assert [t["label"] for t in body["tahun"]] == ["2015", "2025"]
    assert body["datacontent"]["6472900301250"] == indicators.cells()[9003, 6472, 2025]
    # 11 regions of two variables and two years, and the one faulty cell that is among them.
    assert len(body["datacontent"]) == 11 * 2 * 2 + 1


def test_bps_tells_of_a_wrong_key_and_of_no_data_with_200() -> None:
    path = f"{BPS}/var/9001/th/115/"
    refused = answer(path, {"key": "salah"}, {}, path)
    assert (refused.status, refused.body["status"]) == (200, "Error")
    missing = f"{BPS}/var/1/th/115/"
    said = answer(missing, BPS_KEY, {}, missing)
    assert said.body["data-availability"] == "list-not-available"


def test_an_unknown_path_answers_404() -> None:
    assert answer("/v2/izin", {}, {}, "").status == 404


def test_since_gives_what_changed_at_or_after_it() -> None:
    records = SERVICES["/v1/izin"].records()
    since = records[-3]["diperbarui_pada"]
    for written in (since, since.replace("+", " ")):
        body = ask("/v1/izin", since=written).body
        assert body["data"] == records[-3:]
        assert body["meta"]["total"] == 3


@pytest.mark.parametrize("since", ["kemarin", "2026-11-20T00:00:00"])
def test_a_since_that_is_no_time_with_zone_answers_400(since: str) -> None:
    assert ask("/v1/izin", since=since).status == 400


def test_the_third_of_each_seven_requests_fails_once() -> None:
    days = BadDays()
    said = [days.answer("/ispu") for _ in range(21)]
    assert [i for i, a in enumerate(said, start=1) if a] == [3, 10, 17]
    assert [a.status for a in said if a] == [429, 500, 429]
    assert [dict(a.headers).get("Retry-After") for a in said if a] == ["0", None, "1"]


def test_a_client_over_http_gets_the_page_when_it_tries_again() -> None:
    server = make_server(0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/v1/izin?page=1&per_page=2"
        statuses: list[int] = []
        for _ in range(4):
            try:
                with urllib.request.urlopen(urllib.request.Request(url, headers=HEADERS["/v1/izin"])) as said:
                    statuses.append(said.status)
                    assert len(json.load(said)["data"]) == 2
            except urllib.error.HTTPError as error:
                statuses.append(error.code)
        assert statuses == [200, 200, 429, 200]
    finally:
        server.shutdown()
        server.server_close()
