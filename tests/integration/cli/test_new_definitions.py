"""A real `gudang ui` whose contracts change: a new one is shown without a click, a faulty one changes nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from pipelines.settings import PROJECT_ROOT
from tests.support.contracts import column, database, document, write
from tests.support.office import Office, open_office
from tests.support.servers import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ASSETS = "{ assetNodes { assetKey { path } description } }"


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with open_office(night=False) as made:
        yield made


def assets(office: Office) -> dict[str, str]:
    """The descriptions of all assets that the web pages know, by key."""
    answer = requests.post(f"{office.url}/graphql", json={"query": ASSETS}, timeout=60)
    nodes: list[dict[str, Any]] = answer.json()["data"]["assetNodes"]
    return {"/".join(node["assetKey"]["path"]): node["description"] for node in nodes}


def health(office: Office) -> str:
    """The result of the check `definisi` of `gudang health`."""
    command = [sys.executable, "-m", "pipelines.cli.main", "health", "--json"]
    done = subprocess.run(
        command, cwd=PROJECT_ROOT, env=office.env, capture_output=True, text=True, check=False
    )
    checks: list[dict[str, str]] = json.loads(done.stdout)["checks"]
    return next(check["seen"] for check in checks if check["name"] == "definisi")


def test_changed_contracts_are_read_without_a_click_unless_they_are_faulty(office: Office) -> None:
    contracts = office.project / "contracts"
    wait_until("the pages", lambda: "raw/dinkes/puskesmas" in assets(office))
    first = assets(office)
    assert health(office) == "tidak ada berkas salah yang ditolak"

    source = database("GUDANG_SUMBER_DINKES_URL")
    new = document("dinkes/baru", [column("nama")], source, extract={"table": "puskesmas"})
    write(contracts, new)
    wait_until("the new asset", lambda: "raw/dinkes/baru" in assets(office))
    second = assets(office)
    assert second.keys() - first.keys() == {"raw/dinkes/baru"}

    good = (contracts / "dinkes/puskesmas.odcs.yaml").read_text("utf-8")
    (contracts / "dinkes/puskesmas.odcs.yaml").write_text(
        good.replace("logicalType:", "logicalTipe:", 1), "utf-8"
    )
    wait_until("the fault", lambda: "ditolak sejak" in health(office))
    assert re.search(r": contracts/dinkes/puskesmas\.odcs\.yaml:[1-9]\d*: ", health(office))
    assert "Definisi lama tetap dipakai" in office.log.read_text("utf-8")
    assert assets(office) == second

    (contracts / "dinkes/puskesmas.odcs.yaml").write_text(good.replace("\nname:", "\n\nname:"), "utf-8")
    wait_until("the correction", lambda: office.log.read_text("utf-8").count("Definisi dibaca lagi") == 2)
    assert health(office) == "tidak ada berkas salah yang ditolak"
    assert assets(office) == second
    assert office.ask("select count(*) from job_ticks where status = 'FAILURE'", database="dagster") == [(0,)]
