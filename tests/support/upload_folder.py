"""The upload folder of one CSV dataset, and its loads into a warehouse."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pipelines.contracts.model import Contract
from pipelines.ingest import Ingested, ingest
from pipelines.settings import Settings
from tests.support.contracts import upload
from tests.support.loads import AT_ONCE, Loads


class UploadFolder:
    """The folder of `uji/data`. A test declares the contract first."""

    def __init__(self, warehouse_url: str, folder: Path) -> None:
        self.loads = Loads(warehouse_url, folder)
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=self.loads.url)
        self.folder = folder / "home" / "unggahan" / "uji" / "data"
        self.folder.mkdir(parents=True)

    def declare(self, *columns: dict[str, Any], **custom: Any) -> None:
        """Sets the contract."""
        self.contract: Contract = self.loads.contract(
            *columns,
            server=upload("uji/data", "csv"),
            extract={"format": "csv", "pattern": "*.csv"},
            **custom,
        )

    def put(self, name: str, header: str, *rows: object, age: int) -> None:
        """Writes a file; age: seconds by which its mtime is before a fixed moment."""
        path = self.folder / name
        path.write_text("\n".join([header, *map(str, rows)]) + "\n", encoding="utf-8")
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))

    def ingest(self, *, full_refresh: bool = False) -> Ingested:
        return ingest(
            self.loads.connection,
            self.contract,
            self.settings,
            self.loads.url,
            run_id="uji",
            waits=AT_ONCE,
            full_refresh=full_refresh,
        )

    def state(self) -> str:
        """Loads what is due, and gives the state of the load."""
        batch = self.ingest().batch
        assert batch is not None
        return batch.state

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        """These columns of raw; without any, all of the contract."""
        return self.loads.raw(self.contract, *(columns or (c.name for c in self.contract.columns)))

    def files(self) -> list[tuple[str, str]]:
        """Name and state of each load that was not unchanged, in order."""
        return self.loads.run(
            "select source_name, state from ops.load_batch where state <> 'unchanged' order by batch_id"
        )
