"""Loads files as an OPD sends them, from the upload zone to raw, and gives the loaded rows, refusals and warnings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.extract.upload.files import put_upload
from pipelines.extract.upload.zone import upload_zone
from pipelines.ingest import ingest
from pipelines.settings import Settings
from tests.support.contracts import upload
from tests.support.loads import Loads


@dataclass(frozen=True)
class Sent:
    """One load of one file.

    refused: place of a refused row in the file -> the rules that it breaks. Equal rows have one entry.
    quarantined: how many rows were refused.
    """

    rows: list[tuple[Any, ...]]
    refused: dict[str, list[str]]
    quarantined: int
    warnings: list[str]


class SentFiles:
    """A warehouse that several tests share. Each load has a dataset of its own."""

    def __init__(self, pg_url: str, folder: Path) -> None:
        self.loads = Loads(pg_url, folder)
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=self.loads.url)
        self.count = 0

    def send(
        self,
        file: Path,
        *columns: dict[str, Any],
        format: str | None = None,  # noqa: A002  # the contract's word
        custom: dict[str, Any] | None = None,
        **extract: Any,
    ) -> Sent:
        """Loads the file. Raises GudangError if the file itself is refused."""
        self.count += 1
        key = f"uji/berkas_{self.count}"
        kind = format or file.suffix[1:]
        contract = self.loads.contract(
            *columns,
            key=key,
            server=upload(key, kind),
            extract={"format": kind, "pattern": "*", **extract},
            **{"max_quarantine_share": 1, **(custom or {})},
        )
        put_upload(upload_zone(self.settings), key, file)
        done = ingest(self.loads.connection, contract, self.settings, self.loads.url, run_id="uji")
        assert done.batch is not None, "nothing was loaded"
        entries: list[tuple[str, Any]] = self.loads.run(
            "select source_position, reasons from quarantine.row"  # noqa: S608
            f" where dataset = '{key}' order by source_position"
        )
        return Sent(
            self.loads.raw(contract, *(c.name for c in contract.stored)),
            {place: sorted(r["aturan"] for r in _list(reasons)) for place, reasons in entries},
            done.batch.quarantined,
            done.batch.warnings,
        )


def _list(reasons: Any) -> list[dict[str, str]]:
    return json.loads(reasons) if isinstance(reasons, str) else reasons
