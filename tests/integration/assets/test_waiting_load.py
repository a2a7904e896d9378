"""What the page of a dataset shows of a load that waits for approval: an observation with counts, no new version."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from pipelines.assets.checks import Checks
from pipelines.assets.naming import raw_key
from pipelines.assets.raw import raw_assets
from pipelines.datasets import Datasets
from pipelines.load import prepare
from pipelines.quality.suites import LOAD_CHECK
from pipelines.resources.warehouse import Warehouse
from pipelines.sensors.approval import approval_job
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


def test_each_of_several_waiting_files_is_named_and_a_period_is_not_called_missing(
    module_warehouse_url: str, tmp_path: Path
) -> None:
    url = module_warehouse_url.replace("postgresql://", "postgresql+psycopg://", 1)
    settings = Settings(home=tmp_path / "home", project=tmp_path, warehouse_url=url)
    contract = make(
        settings.contracts_dir,
        document("uji/bulan", [column("bulan", primaryKey=True, required=True)], upload("uji/bulan", "csv"),
                 extract={"format": "csv", "pattern": "*.csv"}, approval="required",
                 partition={"column": "bulan", "every": "monthly", "start": "2026-01-01"}),
    )  # fmt: skip
    zone = settings.home / "unggahan" / "uji" / "bulan"
    zone.mkdir(parents=True)
    for month in ("2026-01", "2026-02"):
        (zone / f"{month}.csv").write_text(f"bulan\n{month}\n")
    with connect(url) as connection:
        prepare.prepare(connection, [contract])
    with dg.DagsterInstance.ephemeral() as instance:
        run = {"instance": instance, "resources": {"warehouse": Warehouse(url=url)}}
        assert dg.materialize(raw_assets([contract], settings), partition_key="2026-01", **run).success
        events = instance.fetch_observations(raw_key(contract), limit=5).records
        seen = [
            e.asset_observation.metadata["menunggu_persetujuan"].value for e in events if e.asset_observation
        ]
        with connect(url) as connection:
            query = "select batch_id from ops.load_batch where dataset = 'uji/bulan' and state = 'waiting' order by 1"
            numbers = [number for (number,) in connection.execute(query).fetchall()]
            last = Checks(contract, raw_key(contract), ()).by_hand(connection, {LOAD_CHECK}, "uji")
            assert [result.passed for result in last] == [True]
        assert len(numbers) == 2 and sorted(seen) == numbers
        done = approval_job(Datasets((contract,))).execute_in_process(
            run_config={"kiriman": numbers[0], "oleh": "siti"}, **run
        )
        assert done.success and instance.get_materialized_partitions(raw_key(contract)) == {"2026-01"}
