"""Makes the assets publication/...: the open marts as files, their catalogue, the report, and the data dictionary."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import dagster as dg
from psycopg import Connection

from pipelines.assets.catalogue import PageLinks
from pipelines.assets.naming import tag_value
from pipelines.contracts.files import readable_contracts
from pipelines.errors import GudangError
from pipelines.jobs import NIGHT, PUBLISHED_FROM, UNCHANGED
from pipelines.models.project.nodes import Project
from pipelines.publication import unchanged
from pipelines.publication.clearance import with_clearance
from pipelines.publication.dictionary.pages import START
from pipelines.publication.dictionary.site import write_dictionary
from pipelines.publication.mart import OPEN, OpenMart, open_marts, report_marts
from pipelines.publication.publish import data_modified, publish_all, write_report
from pipelines.publication.samples import marked, sample_models
from pipelines.resources.warehouse import Warehouse
from pipelines.runs.causes import StepError, says_its_cause
from pipelines.settings import Settings

P = ParamSpec("P")
Event = TypeVar("Event")
CATALOG = dg.AssetKey(["publication", "katalog"])
REPORT = dg.AssetKey(["publication", "laporan"])
DICTIONARY = dg.AssetKey(["publication", "kamus_data"])
_NOTHING_LOADED = "Belum ada data yang dimuat: jalankan job ingest dahulu."


def mart_key(mart: OpenMart) -> dg.AssetKey:
    """The key of a mart's files."""
    return dg.AssetKey(["publication", mart.name])


def publication_tags(
    connection: Connection[Any], project: Project, files: Mapping[str, str], settings: Settings
) -> dict[str, str]:
    """The tag of a run of the job `publication`, by which its steps leave files that would be written the same.

    Such a run is started all the same, because the night ends with it. No tag if what is to be published can't be read;
    the run says what is wrong. files: see `publication_basis`.
    """
    basis = _basis(connection, project, files, settings)
    if basis is None:
        return {}
    shown = unchanged.is_published(connection, settings.publication_dir, basis)
    return {PUBLISHED_FROM: UNCHANGED if shown else basis.inputs}


def note_published(
    connection: Connection[Any],
    project: Project,
    files: Mapping[str, str],
    settings: Settings,
    run: dg.DagsterRun,
) -> None:
    """Notes that a run which has succeeded published everything, if that has not changed meanwhile.

    A run that was executed again may have published only what was missing.
    """
    published = run.tags.get(PUBLISHED_FROM)
    if published in (None, UNCHANGED) or run.parent_run_id:
        return
    basis = _basis(connection, project, files, settings)
    if basis and basis.inputs == published:
        unchanged.keep(connection, settings.publication_dir, basis, run.run_id)


def _basis(
    connection: Connection[Any], project: Project, files: Mapping[str, str], settings: Settings
) -> unchanged.PublicationBasis | None:
    try:
        return unchanged.publication_basis(
            connection, project, files, settings.publication_dir, settings.publication_url
        )
    except GudangError:
        return None


def is_left(run: dg.DagsterRun) -> bool:
    """Whether a run publishes nothing, because nothing has changed. A run that a person repeats always publishes."""
    return run.tags.get(PUBLISHED_FROM) == UNCHANGED and run.parent_run_id is None


def _unless_left(step: Callable[P, Iterator[Event]]) -> Callable[P, Iterator[Event]]:
    """Makes a step do nothing in a run for which `is_left` holds."""

    @wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> Iterator[Event]:
        context = dg.AssetExecutionContext.get()
        if is_left(context.run):
            context.log.info("Semua terbitan masih sama.")
            return
        yield from step(*args, **kwargs)

    return run


def publication_assets(project: Project, settings: Settings) -> list[dg.AssetsDefinition]:
    """Makes the multi-asset of files and catalogue, the report's and the dictionary's. Raises PublicationError."""
    marts = open_marts(project)
    return [_files(project, marts, settings), _report(project, settings), _dictionary(project, settings)]


def _spec(
    key: dg.AssetKey,
    description: str,
    deps: Sequence[dg.AssetKey],
    kind: str,
    metadata: Mapping[str, Any] | None = None,
    **tags: str,
) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=key,
        deps=deps,
        group_name="publikasi",
        description=description,
        kinds={kind},
        owners=["team:diskominfo"],
        tags={"lapisan": "publikasi", **tags},
        metadata=metadata,
        skippable=True,
    )


def _mart_spec(project: Project, mart: OpenMart, links: PageLinks) -> dg.AssetSpec:
    columns = [
        dg.TableColumn(c.name, c.type, links.column(mart.relation, c.name, c.description))
        for c in mart.columns
    ]
    metadata = {
        "dagster/column_schema": dg.TableSchema(columns),
        "dagster/code_references": links.code({"Model": project.nodes[mart.name].path}),
        "kamus_data": links.page(mart.relation),
    }
    tags = {"klasifikasi": OPEN, **({"domain": tag_value(mart.theme)} if mart.theme else {})}
    deps = [dg.AssetKey([mart.schema, mart.name])]
    return _spec(mart_key(mart), mart.description, deps, "csv", metadata, **tags)


def _files(project: Project, marts: Sequence[OpenMart], settings: Settings) -> dg.AssetsDefinition:
    links = PageLinks.of(settings)
    specs = [_mart_spec(project, mart, links) for mart in marts]
    specs.append(_spec(CATALOG, "datapackage.json dan katalog DCAT 3.", [mart_key(m) for m in marts], "json"))

    @dg.multi_asset(
        name="open_files", specs=specs, can_subset=True, description="Menerbitkan mart yang terbuka."
    )
    @says_its_cause
    @_unless_left
    def publish(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[dg.MaterializeResult[Any]]:
        selected = {m.name for m in marts if mart_key(m) in context.selected_asset_keys}
        with warehouse.connect() as connection:
            modified = data_modified(connection)
            if modified is None:
                raise StepError(_NOTHING_LOADED)
            contracts = readable_contracts(settings.contracts_dir)
            done = publish_all(
                connection,
                with_clearance(project, contracts, marked(marts, connection, project)),
                settings.publication_dir,
                modified,
                selected=selected,
                report=with_clearance(project, contracts, report_marts(project)),
                run_id=context.run.run_id,
                base_url=settings.publication_url,
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
        refused = [*done.refused]
        if NIGHT in context.run.tags:  # it has built every model
            refused += done.not_built
        elif done.not_built:
            names = ", ".join(sorted(e.subject for e in done.not_built))
            context.log.info(
                f"Belum pernah dibangun, jadi belum terbit: {names}. Malam yang pertama membangunnya."
            )
        if refused:
            raise StepError("\n".join(str(e) for e in refused))

    return publish


def _report(project: Project, settings: Settings) -> dg.AssetsDefinition:
    deps = [dg.AssetKey([mart.schema, mart.name]) for mart in report_marts(project)]
    spec = _spec(REPORT, "Laporan Satu Data dan SPBE: satu berkas HTML dengan grafik.", deps, "report")

    @dg.multi_asset(name="report", specs=[spec], description="Menulis laporan Satu Data dan SPBE.")
    @says_its_cause
    @_unless_left
    def report(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[dg.MaterializeResult[Any]]:
        with warehouse.connect() as connection:
            modified = data_modified(connection)
            if modified is None:
                raise StepError(_NOTHING_LOADED)
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


def _dictionary(project: Project, settings: Settings) -> dg.AssetsDefinition:
    address = settings.dictionary_url
    metadata = {"alamat": dg.MetadataValue.url(f"{address}/{START}")} if address else {}
    description = "Kamus data: setiap relasi dan kolom, dengan definisi, kelas, uji, dan silsilahnya."
    spec = _spec(DICTIONARY, description, [], "report", metadata)

    @dg.multi_asset(name="dictionary", specs=[spec], description="Menulis kamus data.")
    @says_its_cause
    @_unless_left
    def dictionary(warehouse: Warehouse) -> Iterator[dg.MaterializeResult[Any]]:
        contracts = readable_contracts(settings.contracts_dir)
        with warehouse.connect() as connection:
            site = write_dictionary(project, contracts, settings.dictionary_dir, connection)
        yield dg.MaterializeResult(
            asset_key=DICTIONARY,
            metadata={
                "berkas": dg.MetadataValue.path(str(site.start)),
                "halaman": site.pages,
                "halaman_berubah": site.changed,
                "berubah": bool(site.changed or site.removed),
            },
        )

    return dictionary
