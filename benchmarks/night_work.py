"""The work of the demo's first night without Dagster: python -m benchmarks.night_work, in a prepared environment.

It reads, loads, checks, builds, publishes and answers the OPD as `gudang nightly` does, with as many sources at a time
and in the same order of links. So the difference between the two is what Dagster's runs cost: definitions, plans,
events, checks' pages, leases.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from pipelines.contracts.files import readable_contracts
from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.datasets import Datasets, read_datasets
from pipelines.feedback.send import send_pending
from pipelines.ingest import ingest
from pipelines.load import prepare
from pipelines.models.build.runner import build
from pipelines.models.project.nodes import Project
from pipelines.models.project.project import load_project
from pipelines.publication.clearance import with_clearance
from pipelines.publication.dictionary.site import write_dictionary
from pipelines.publication.mart import open_marts, report_marts
from pipelines.publication.publish import data_modified, publish_all, write_report
from pipelines.publication.samples import marked, sample_models
from pipelines.redaction.database_urls import libpq_url
from pipelines.settings import Settings, load_alert_settings, load_settings
from pipelines.warehouse.connection import connect

RUN = "bench"
AT_ONCE = 2


def main() -> None:
    """Does all of it, and fails if a load or a model fails."""
    settings = load_settings()
    assert settings.warehouse_url is not None
    datasets = read_datasets(settings)
    project = load_project(settings.models_dir, suites=settings.expectations_dir)
    with connect(settings.warehouse_url) as connection:
        prepare.prepare(connection, datasets.contracts)
    place = libpq_url(settings.warehouse_url)
    _built(project, place, ["tag:referensi"])
    _load(settings, [c for c in datasets.contracts if not _monthly(c)])
    _load(settings, [c for c in datasets.contracts if _monthly(c)])
    with ThreadPoolExecutor(1) as beside:
        answered = beside.submit(_answer, settings, datasets)
        _built(project, place, None)
        _publish(settings, project)
        answered.result()


def _answer(settings: Settings, datasets: Datasets) -> None:
    """Makes the files that tell the OPD of their loads."""
    assert settings.warehouse_url is not None
    with connect(settings.warehouse_url) as connection:
        sent = send_pending(connection, settings, datasets, load_alert_settings())
    assert not sent.failures, sent.failures


def _monthly(contract: Contract) -> bool:
    return contract.partition is not None and contract.partition.every == "monthly"


def _built(project: Project, place: str, select: list[str] | None) -> None:
    results = build(project, place, select=select, run_id=RUN)
    assert {r.state for r in results} == {"ok"}, [r for r in results if r.state != "ok"]


def _load(settings: Settings, contracts: list[Contract]) -> None:
    def server(contract: Contract) -> str:
        return contract.key if contract.server.kind == "upload" else contract.server.name

    sources = [[*group] for _, group in groupby(sorted(contracts, key=server), server)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for done in [threads.submit(_load_source, settings, source) for source in sources]:
            done.result()


def _load_source(settings: Settings, contracts: list[Contract]) -> None:
    from pipelines.jobs import today

    assert settings.warehouse_url is not None
    for contract in contracts:
        partition = contract.partition
        window = Window(partition.start, today()) if partition else None
        with connect(settings.warehouse_url) as connection:
            done = ingest(connection, contract, settings, settings.warehouse_url, run_id=RUN, window=window)
            assert done.batch is not None and done.batch.state == "loaded", contract.key


def _publish(settings: Settings, project: Project) -> None:
    assert settings.warehouse_url is not None
    contracts = readable_contracts(settings.contracts_dir)
    marts, reported = open_marts(project), report_marts(project)
    with connect(settings.warehouse_url) as connection:
        modified = data_modified(connection)
        assert modified is not None
        done = publish_all(
            connection,
            with_clearance(project, contracts, marked(marts, connection, project)),
            settings.publication_dir,
            modified,
            report=with_clearance(project, contracts, reported),
            run_id=RUN,
        )
        assert not done.refused, done.refused
        write_report(
            connection,
            settings.publication_dir,
            modified,
            marts=with_clearance(project, contracts, reported),
            run_id=RUN,
            samples=sample_models(connection, project),
        )
        write_dictionary(project, contracts, settings.dictionary_dir, connection)


if __name__ == "__main__":
    main()
