"""Makes the assets publication/...: the open marts as files, their catalogue, and the report."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from pipelines.contracts.files import readable_contracts
from pipelines.models.project.nodes import Project
from pipelines.publication.clearance import with_clearance
from pipelines.publication.mart import OpenMart, open_marts, report_marts
from pipelines.publication.publish import data_modified, publish_all, write_report
from pipelines.publication.samples import marked, sample_models
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import Settings

CATALOG = dg.AssetKey(["publication", "katalog"])
REPORT = dg.AssetKey(["publication", "laporan"])
_NOTHING_LOADED = "Belum ada data yang dimuat: jalankan job ingest dahulu."


def mart_key(mart: OpenMart) -> dg.AssetKey:
    """The key of a mart's files."""
    return dg.AssetKey(["publication", mart.name])


def publication_assets(project: Project, settings: Settings) -> list[dg.AssetsDefinition]:
    """Makes the multi-asset of files and catalogue, and the asset of the report. Raises PublicationError."""
    marts = open_marts(project)
    return [_files(project, marts, settings), _report(project, settings)]


def _spec(key: dg.AssetKey, description: str, deps: Sequence[dg.AssetKey], kind: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=key,
        deps=deps,
        group_name="publikasi",
        description=description,
        kinds={kind},
        owners=["team:diskominfo"],
        tags={"lapisan": "publikasi"},
        skippable=True,
    )


def _files(project: Project, marts: Sequence[OpenMart], settings: Settings) -> dg.AssetsDefinition:
    specs = [_spec(mart_key(m), m.description, [dg.AssetKey([m.schema, m.name])], "csv") for m in marts]
    specs.append(_spec(CATALOG, "datapackage.json dan katalog DCAT 3.", [mart_key(m) for m in marts], "json"))

    @dg.multi_asset(
        name="open_files", specs=specs, can_subset=True, description="Menerbitkan mart yang terbuka."
    )
    def publish(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[dg.MaterializeResult[Any]]:
        selected = {m.name for m in marts if mart_key(m) in context.selected_asset_keys}
        with warehouse.connect() as connection:
            modified = data_modified(connection)
            if modified is None:
                raise dg.Failure(_NOTHING_LOADED, allow_retries=False)
            contracts = readable_contracts(settings.contracts_dir)
            done = publish_all(
                connection,
                with_clearance(project, contracts, marked(marts, connection, project)),
                settings.publication_dir,
                modified,
                selected=selected,
                report=with_clearance(project, contracts, report_marts(project)),
                run_id=context.run.run_id,
            )
        for file in done.published:
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["publication", file.name]),
                metadata={
                    "berkas": dg.MetadataValue.path(str(file.path)),
                    "lembar_kerja": dg.MetadataValue.path(
                        str(file.spreadsheet.path) if file.spreadsheet else ""
                    ),
                    "sha256": file.sha256,
                    "dagster/row_count": file.rows,
                    "berubah": file.changed,
                },
            )
        if CATALOG in context.selected_asset_keys:
            yield dg.MaterializeResult(
                asset_key=CATALOG,
                metadata={
                    "berkas": dg.MetadataValue.path(str(done.catalog.datapackage.path)),
                    "dcat": dg.MetadataValue.path(str(done.catalog.dcat.path)),
                    "dataset": done.catalog.datasets,
                    "ditarik": list(done.withdrawn),
                    "berubah": done.catalog.changed,
                },
            )
        if done.refused:
            raise dg.Failure("\n".join(str(e) for e in done.refused), allow_retries=False)

    return publish


def _report(project: Project, settings: Settings) -> dg.AssetsDefinition:
    deps = [dg.AssetKey([mart.schema, mart.name]) for mart in report_marts(project)]
    spec = _spec(REPORT, "Laporan Satu Data dan SPBE: satu berkas HTML dengan grafik.", deps, "html")

    @dg.multi_asset(name="report", specs=[spec], description="Menulis laporan Satu Data dan SPBE.")
    def report(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[dg.MaterializeResult[Any]]:
        with warehouse.connect() as connection:
            modified = data_modified(connection)
            if modified is None:
                raise dg.Failure(_NOTHING_LOADED, allow_retries=False)
            contracts = readable_contracts(settings.contracts_dir)
            file = write_report(
                connection,
                settings.publication_dir,
                modified,
                marts=with_clearance(project, contracts, report_marts(project)),
                run_id=context.run.run_id,
                samples=sample_models(connection, project),
            )
        yield dg.MaterializeResult(
            asset_key=REPORT,
            metadata={
                "berkas": dg.MetadataValue.path(str(file.path)),
                "sha256": file.sha256,
                "berubah": file.changed,
            },
        )

    return report
