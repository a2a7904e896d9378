"""The APIs of the demo give every record once, only to clients with the key, by each kind of paging."""

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
from demo.api import SERVICES, Answer, BadDays, answer, make_server
from demo.variables import CREDENTIALS

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
        given = ask("/ispu", **query)
        yield from given.body["data"]
        link = dict(given.headers).get("Link")
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


def without_pages() -> Iterator[dict[str, Any]]:
    yield from ask("/inventaris").body["data"]


@pytest.mark.parametrize(
    ("path", "walk"),
    [
        ("/v1/izin", by_page),
        ("/api/harga", by_offset),
        ("/aduan", by_cursor),
        ("/ispu", by_link),
        ("/pencari-kerja", by_next_url),
        ("/inventaris", without_pages),
    ],
)
def test_paging_gives_every_record_once_and_in_order(path: str, walk: Any) -> None:
    assert list(walk()) == SERVICES[path].records()


@pytest.mark.parametrize("path", list(HEADERS))
def test_path_without_its_key_is_answered_401(path: str) -> None:
    assert answer(path, {}, {}, "").status == 401
    assert (
        answer(path, {"api_key": "salah"}, {"Authorization": "Bearer salah", "X-Api-Key": "salah"}, "").status
        == 401
    )


def test_all_services_but_that_of_bps_are_in_headers() -> None:
    assert [path for path in SERVICES if path not in HEADERS] == ["/v1/api/list/model/data/"]


def test_bps_gives_the_requested_variables_and_years_only() -> None:
    """Years count from 1900. A key joins region, variable, derived variable, year and derived period."""
    path = f"{BPS}/var/9001;9003/th/115;125/"
    body = answer(path, BPS_KEY, {}, f"http://127.0.0.1{path}").body
    assert body["data-availability"] == "available"
    assert [v["val"] for v in body["var"]] == [9001, 9003]
    assert [t["label"] for t in body["tahun"]] == ["2015", "2025"]
    assert body["datacontent"]["6472900301250"] == indicators.cells()[9003, 6472, 2025]
    # 11 regions, two variables, two years, and one faulty cell.
    assert len(body["datacontent"]) == 11 * 2 * 2 + 1


def test_bps_answers_200_to_a_wrong_key_and_if_there_are_no_data() -> None:
    path = f"{BPS}/var/9001/th/115/"
    refused = answer(path, {"key": "salah"}, {}, path)
    assert (refused.status, refused.body["status"]) == (200, "Error")
    missing = f"{BPS}/var/1/th/115/"
    empty = answer(missing, BPS_KEY, {}, missing)
    assert empty.body["data-availability"] == "list-not-available"


def test_unknown_path_is_answered_404() -> None:
    assert answer("/v2/izin", {}, {}, "").status == 404


def test_since_gives_records_changed_at_or_after_it() -> None:
    records = SERVICES["/v1/izin"].records()
    since = records[-3]["diperbarui_pada"]
    for written in (since, since.replace("+", " ")):
        body = ask("/v1/izin", since=written).body
        assert body["data"] == records[-3:]
        assert body["meta"]["total"] == 3


@pytest.mark.parametrize("since", ["kemarin", "2026-11-20T00:00:00"])
def test_since_without_a_zone_is_answered_400(since: str) -> None:
    assert ask("/v1/izin", since=since).status == 400


def test_the_third_of_each_seven_requests_fails_once() -> None:
    days = BadDays()
    answers = [days.answer("/ispu") for _ in range(21)]
    assert [i for i, a in enumerate(answers, start=1) if a] == [3, 10, 17]
    assert [a.status for a in answers if a] == [429, 500, 429]
    assert [dict(a.headers).get("Retry-After") for a in answers if a] == ["0", None, "1"]


def test_client_gets_the_page_over_http_after_a_retry() -> None:
    server = make_server(0)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/v1/izin?page=1&per_page=2"
        statuses: list[int] = []
        for _ in range(4):
            try:
                with urllib.request.urlopen(urllib.request.Request(url, headers=HEADERS["/v1/izin"])) as got:
                    statuses.append(got.status)
                    assert len(json.load(got)["data"]) == 2
            except urllib.error.HTTPError as error:
                statuses.append(error.code)
        assert statuses == [200, 200, 429, 200]
    finally:
        server.shutdown()
        server.server_close()
