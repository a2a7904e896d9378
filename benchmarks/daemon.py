"""Cases of Dagster's own processes: from a dropped file to its mart, and the page of an asset among 325 contracts.

What belongs here: the cases, each with real processes. Not here: making the contracts (start.py), the office
(tests/support/office.py). Starting the processes is not counted.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.night import command, environment, fresh_home
from benchmarks.start import project_of_many
from benchmarks.target import Figures, figures
from pipelines.settings import Settings
from tests.support.office import open_office
from tests.support.servers import free_port, process

_HATCHLINGS = "select sum(volume)::bigint from mart_satu_data.produksi_benih_ikan"
_LOADED_FIRST_S = 600
_PAGE = """
query AssetPage($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      id graphName groupName description opNames jobNames computeKind kinds isPartitioned changedReasons staleStatus
      owners { ... on TeamAssetOwner { team } }
      tags { key value }
      repository { name location { name } }
      backfillPolicy { description }
      partitionDefinition { description }
      metadataEntries { label description __typename }
      dependencies { asset { assetKey { path } } }
      dependedBy { asset { assetKey { path } } }
      partitionStats { numPartitions numMaterialized numFailed }
      assetMaterializations(limit: 1) { runId timestamp metadataEntries { label __typename } }
      assetChecksOrError {
        ... on AssetChecks {
          checks { name description blocking executionForLatestMaterialization { id status } }
        }
      }
    }
  }
}
"""
"""What the page of an asset asks for: its definition, neighbours, last events and checks."""


def limit_daemon(settings: Settings, _: int) -> Figures:
    """The imports of each process of Dagster, and the definitions of the project."""
    start = time.perf_counter()
    command(settings, settings.home, "-c", "import pipelines.definitions")
    return figures(start)


def gudang_file_to_mart(_settings: Settings, _: int) -> Figures:
    """A corrected file is dropped into the zone while `gudang ui` runs; the case ends when its mart shows the rows."""
    with open_office() as office:
        ((before,),) = office.ask(_HATCHLINGS)
        _wait_for_tick(office)
        folder = office.zone / "dkp/pembenihan_ikan"
        (sent,) = folder.glob("*.csv")
        corrected = folder / "unggah.tmp"
        corrected.write_text(sent.read_text("utf-8").replace("Nila,70237000", "Nila,80237000"), "utf-8")
        corrected.rename(folder / "pembenihan_2025_perbaikan.csv")
        start = time.perf_counter()
        while office.ask(_HATCHLINGS) != [(before + 10_000_000,)]:
            assert time.perf_counter() - start < _LOADED_FIRST_S, "the file did not reach its mart"
            time.sleep(0.2)
        return figures(start)


def _wait_for_tick(office: Any) -> None:
    """Waits until the daemon has looked at the zone once."""
    deadline = time.monotonic() + _LOADED_FIRST_S
    while not office.ask("select 1 from job_ticks where status <> 'STARTED' limit 1", database="dagster"):
        assert time.monotonic() < deadline, "the daemon did not tick"
        time.sleep(0.5)


def gudang_asset_page(settings: Settings, _: int) -> Figures:
    """The answer about one asset, by a real webserver and code server that have loaded 325 contracts.

    The first answer is not counted: before it, the webserver asks the code server for all definitions.
    """
    many = project_of_many(settings)
    port = free_port()
    with fresh_home(many, "halaman") as home:
        server = [
            sys.executable, "-m", "pipelines.cli.main", "run", sys.executable, "-m", "dagster_webserver",
            "-w", "workspace.yaml", "-p", str(port),
        ]  # fmt: skip
        log = Path(os.environ["BENCH_FOLDER"]) / "halaman.log"
        with process(server, many.project, log, environment(many, home)):
            key = {"path": ["raw", "dinkes", "kunjungan"]}
            deadline = time.monotonic() + _LOADED_FIRST_S
            while not _asked(port, key):
                assert time.monotonic() < deadline, log.read_text("utf-8")[-2000:]
                time.sleep(0.5)
            start = time.perf_counter()
            assert _asked(port, key)
            return figures(start)


def _asked(port: int, key: dict[str, Any]) -> bool:
    """Whether the webserver answers with the asset."""
    body = json.dumps({"query": _PAGE, "variables": {"key": key}}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"}
    )
    with suppress(OSError), urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        document = json.load(answer)
        assert "errors" not in document, document["errors"]
        return "id" in document["data"]["assetNodeOrError"]
    return False
