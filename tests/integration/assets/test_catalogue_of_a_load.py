"""What the page of a dataset shows after a load, and the data dictionary that the publication writes."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from pipelines.assets.naming import raw_key
from pipelines.assets.publication import DICTIONARY, publication_assets
from pipelines.assets.raw import raw_assets
from pipelines.load import prepare
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column, document, make, upload
from tests.support.dbt_folder import DbtFolder


def test_page_shows_rows_in_force_quarantine_and_freshness_and_the_dictionary_is_written(
    module_warehouse_url: str, tmp_path: Path
) -> None:
    url = module_warehouse_url.replace("postgresql://", "postgresql+psycopg://", 1)
    settings = Settings(home=tmp_path / "home", project=tmp_path, warehouse_url=url)
    contract = make(
        settings.contracts_dir,
        document("uji/pasar", [column("id", "integer", primaryKey=True)], upload("uji/pasar", "csv"),
                 extract={"format": "csv", "pattern": "*.csv"}, max_quarantine_share=0.5)
        | {"slaProperties": [{"property": "frequency", "value": 1, "unit": "d"}]},
    )  # fmt: skip
    zone = settings.home / "unggahan" / "uji" / "pasar"
    zone.mkdir(parents=True)
    (zone / "pasar.csv").write_text("id\n1\n2\nbukan angka\n")
    models = DbtFolder(settings.models_dir)
    models.write("seeds/ref_warna.csv", "kode\nmerah\n")
    models.write("seeds/seeds.yml", "seeds:\n  - name: ref_warna\n    description: Warna.\n")
    with connect(url) as connection:
        prepare.prepare(connection, [contract])
    publication = publication_assets(models.project(), settings)
    dictionary = [assets for assets in publication if DICTIONARY in assets.keys]
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize(
            [*raw_assets([contract], settings), *dictionary],
            instance=instance,
            resources={"warehouse": Warehouse(url=url)},
        )
    (event,) = done.asset_materializations_for_node("raw_uji__pasar")
    assert event.metadata["dagster/row_count"].value == 2
    assert event.metadata["menunggu_di_karantina"].value == 1
    checks = {e.check_name: e for e in done.get_asset_check_evaluations() if e.asset_key == raw_key(contract)}
    fresh = checks["mutakhir"]
    assert fresh.passed and (fresh.description or "").startswith("Berkas terakhir datang ")
    assert fresh.metadata.keys() == {"datang", "ditunggu_sampai"}
    page = settings.dictionary_dir / "relasi" / "raw.uji__pasar.html"
    assert 'id="kolom-id"' in page.read_text("utf-8")
