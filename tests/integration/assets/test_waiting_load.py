"""What the page of a dataset shows of a load that waits for approval: an observation with counts, no new version."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from pipelines.assets.naming import raw_key
from pipelines.assets.raw import raw_assets
from pipelines.load import prepare
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column, document, make, upload


def test_a_waiting_load_is_an_observation_with_its_counts_and_query(
    module_warehouse_url: str, tmp_path: Path
) -> None:
    url = module_warehouse_url.replace("postgresql://", "postgresql+psycopg://", 1)
    settings = Settings(home=tmp_path / "home", project=tmp_path, warehouse_url=url)
    contract = make(
        settings.contracts_dir,
        document("uji/pasar", [column("id", "integer", primaryKey=True)], upload("uji/pasar", "csv"),
                 extract={"format": "csv", "pattern": "*.csv"}, max_quarantine_share=0.5, approval="required"),
    )  # fmt: skip
    zone = settings.home / "unggahan" / "uji" / "pasar"
    zone.mkdir(parents=True)
    (zone / "pasar.csv").write_text("id\n1\n2\nbukan angka\n")
    with connect(url) as connection:
        prepare.prepare(connection, [contract])
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):  # the second load finds that it waits already
            done = dg.materialize(
                raw_assets([contract], settings),
                instance=instance,
                resources={"warehouse": Warehouse(url=url)},
            )
            assert done.success and done.asset_materializations_for_node("raw_uji__pasar") == []
        observed = instance.fetch_observations(raw_key(contract), limit=5).records
    assert len(observed) == 2
    event = observed[-1].asset_observation
    assert event is not None and (event.description or "").startswith("MENUNGGU PERSETUJUAN, kiriman ")
    counts = {name: value.value for name, value in event.metadata.items() if name.startswith("baris_")}
    assert counts == {
        "baris_baru": 2, "baris_berubah": 0, "baris_sama": 0, "baris_dihapus": 0, "baris_dikarantina": 1
    }  # fmt: skip
    assert "_stage" in str(event.metadata["lihat_baris"].value)
    with connect(url) as connection:
        assert connection.execute("select state from ops.load_batch").fetchall() == [("waiting",)]
