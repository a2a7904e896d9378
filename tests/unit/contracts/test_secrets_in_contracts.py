"""A secret in the text of a contract is a fault with its line, and the message does not repeat the secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.files import read_contract
from tests.support.contracts import api, column, database, document, write

SECRET = "rahasia99"


def _faults(folder: Path, server: dict[str, Any], **extract: Any) -> list[str]:
    path = write(folder, document("uji/data", [column("id")], server, extract=extract))
    return [f"{fault.line} {fault}" for fault in read_contract(path)[1]]


@pytest.mark.parametrize(
    "location",
    [
        f"postgresql://u:{SECRET}@h/d",
        f"postgresql://u:a@{SECRET}@h/d",
        f"mysql+pymysql://u@h/d?password={SECRET}",
        f"postgresql://u:{SECRET}${{UJI_PW}}@h/d",
    ],
)
def test_literal_password_in_a_location_is_refused_without_repeating_it(
    tmp_path: Path, location: str
) -> None:
    (fault,) = _faults(tmp_path, {**database("X"), "location": location}, table="t")
    assert "location memuat password secara terbuka" in fault and "${GUDANG_SUMBER_<OPD>_URL}" in fault
    assert SECRET not in fault and not fault.startswith("1 ")


@pytest.mark.parametrize("location", ["${UJI_URL}", "postgresql://u:${UJI_PW}@h/d", "sqlite:///data.db"])
def test_location_with_a_variable_or_without_password_is_accepted(tmp_path: Path, location: str) -> None:
    assert _faults(tmp_path, {**database("X"), "location": location}, table="t") == []


def test_literal_key_in_an_api_location_path_or_parameter_is_refused(tmp_path: Path) -> None:
    in_location = _faults(tmp_path, {**api("X"), "location": f"https://h/v1?api_key={SECRET}"}, path="/data")
    in_path = _faults(tmp_path, api("UJI_URL"), path=f"/data?token={SECRET}")
    in_params = _faults(tmp_path, api("UJI_URL"), path="/data", params={"key": SECRET})
    found = [*in_location, *in_path, *in_params]
    assert len(found) == 3 and SECRET not in "".join(found)
    assert (
        _faults(tmp_path, api("UJI_URL"), path="/data", params={"key": "${UJI_KEY}", "per_page": "500"}) == []
    )
