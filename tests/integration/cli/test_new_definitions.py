"""A real `gudang ui` whose contracts change: a new one is shown without a click, a faulty one changes nothing."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
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


def inner_servers(office: Office) -> list[psutil.Process]:
    """The processes that hold the definitions."""
    found: list[psutil.Process] = []
    for process in office.ui.children(recursive=True):
        with suppress(psutil.Error):  # it has ended
            if {"api", "grpc"} <= {*process.cmdline()}:
                found.append(process)
    return found


def test_a_code_server_that_lost_its_definitions_is_started_again(office: Office) -> None:
    """After a jump of the clock Dagster's inner process ends itself, and the outer one would answer with errors."""
    wait_until("the pages", lambda: "raw/dinkes/puskesmas" in assets(office))
    wait_until("a minute of service", lambda: time.time() - office.ui.create_time() > 90)
    # An earlier reload's process ends after its last calls.
    wait_until("one process with the definitions", lambda: len(inner_servers(office)) == 1)
    (lost,) = inner_servers(office)
    lost.send_signal(signal.SIGINT)
    lost.wait(60)
    wait_until("the next one", lambda: any(p != lost for p in inner_servers(office)))
    assert "code server diakhiri, supaya dimulai lagi" in office.log.read_text("utf-8")
    wait_until("the pages of the next one", lambda: "raw/dinkes/puskesmas" in assets(office))
    before = assets(office)
    write(
        office.project / "contracts",
        document(
            "dinkes/lagi",
            [column("nama")],
            database("GUDANG_SUMBER_DINKES_URL"),
            extract={"table": "puskesmas"},
        ),
    )
    wait_until("the new asset", lambda: {*assets(office)} - {*before} == {"raw/dinkes/lagi"})
