"""How an API is described in a contract file: what is accepted, and the line and hint of each fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.api import ApiExtract
from pipelines.contracts.files import read_contract
from tests.support.contracts import api, column, document, make, write

KEY = "${GUDANG_SUMBER_UJI_KEY}"
OAUTH = {
    "type": "oauth2",
    "token_url": "https://sso.contoh.go.id/token",
    "client_id": "gudang",
    "client_secret": KEY,
    "scope": "baca",
}


def contract(**extract: Any) -> dict[str, Any]:
    more = {"write_disposition": "append", "cursor": "id"}
    return document(
        "dpmptsp/izin", [column("id", required=True)], api("GUDANG_SUMBER_UJI_URL"), extract=extract, **more
    )


@pytest.mark.parametrize(
    "extract",
    [
        {"path": "/v1/izin"},
        {"path": "/v1/izin", "auth": OAUTH},
        {"path": "/v1/izin", "auth": {**OAUTH, "in": "body"}},
        {"path": f"/v1/api/list/model/data/key/{KEY}", "shape": "bps_data"},
        {
            "path": "/v1/izin",
            "records": "/data/1",
            "params": {"tahun": 2026},
            "auth": {"type": "api_key", "in": "query", "name": "key", "value": KEY},
            "pagination": {"type": "page", "param": "page", "total": "/data/0/total"},
            "incremental_param": "since",
        },
    ],
)
def test_documented_api_descriptions_are_accepted(tmp_path: Path, extract: dict[str, Any]) -> None:
    assert make(tmp_path, contract(**extract)).extract == ApiExtract(**extract)


@pytest.mark.parametrize(
    ("at", "wrong", "message"),
    [
        ("path", 5, "path bukan teks, melainkan angka"),
        ("records", "data/items", "records: 'data/items' bukan JSON pointer"),
        ("params", ["tahun"], "params bukan pemetaan"),
        ("shape", "sdmx", "shape 'sdmx' tidak dikenal"),
        ("incremental_param", ["since"], "bukan teks"),
        ("auth", "rahasia", "auth bukan pemetaan"),
        ("auth", {"type": "digest"}, "auth: type 'digest' tidak dikenal"),
        ("auth", {"type": "basic", "username": "x"}, "auth basic berisi username"),
        ("auth", {"type": "bearer", "token": "ditulis-di-sini"}, "token tertulis terbuka di kontrak"),
        ("auth", {**OAUTH, "in": "query"}, "auth oauth2: in 'query' tidak dikenal"),
        ("auth", {**OAUTH, "scopes": "baca"}, "auth oauth2 berisi client_id, client_secret, scope, scopes"),
        ("pagination", {"type": "scroll"}, "pagination: type 'scroll' tidak dikenal"),
        ("pagination", {"type": "link", "param": "x"}, "pagination link berisi param"),
        (
            "pagination",
            {"type": "page", "param": "p", "size_param": "n", "size": 0},
            "bukan bilangan bulat",
        ),
        ("pagination", {"type": "cursor", "param": "c", "next": "data"}, "'data' bukan JSON pointer"),
        ("pagination", {}, "pagination: type 'None' tidak dikenal"),
        ("auth", {}, "auth: type 'None' tidak dikenal"),
        ("halaman", 5, "extract: halaman tidak dikenal untuk sumber API"),
    ],
)
def test_fault_of_an_api_description_has_line_and_hint_but_no_secret(
    tmp_path: Path, at: str, wrong: Any, message: str
) -> None:
    path = write(tmp_path, contract(**({"path": "/v1/izin"} | {at: wrong})))
    found, (fault,) = read_contract(path)
    assert found is None
    assert message in fault.message
    assert "ditulis-di-sini" not in str(fault)
    assert fault.hint
    lines = path.read_text("utf-8").splitlines()
    assert lines[fault.line - 1].strip().startswith(f"{at}:")
