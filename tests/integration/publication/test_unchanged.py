"""A publication is left only where publishing again would write no other file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from pipelines.models.project.nodes import Project
from pipelines.publication.clearance import with_clearance
from pipelines.publication.mart import open_marts, report_marts
from pipelines.publication.publish import data_modified, publish_all, write_report
from pipelines.publication.samples import marked, sample_models
from pipelines.publication.unchanged import PublicationBasis, is_published, keep, publication_basis
from tests.support.open_data_project import OpenDataProject


class Portal:
    """An open mart over the made-up schools, its published files, and whether a night would publish again."""

    def __init__(self, connection: Connection[Any], folder: Path) -> None:
        self.connection, self.folder = connection, folder / "publikasi"
        self.made = OpenDataProject(folder).without_models()
        assert not self.made.mart("select npsn, nama from @sekolah", "npsn", "nama").refusals
        self.project: Project = self.made.folder.project()
        self.base_url: str | None = None
        self.files: Mapping[str, str] = {"contracts/disdik/sekolah.odcs.yaml": "a"}
        (mart,) = open_marts(self.project)
        self.mart = f"{mart.schema}.{mart.name}"
        connection.execute(f"create schema if not exists {mart.schema}")
        connection.execute(f"create table {self.mart} (npsn text, nama text)")
        self.run("insert into {mart} values ('1', 'SMA 1'), ('2', 'SMA 2')")
        connection.execute(
            "insert into ops.load_batch (dataset, run_id, state, started_at, finished_at)"
            " values ('disdik/sekolah', 'r', 'loaded', now(), now())"
        )

    def run(self, statement: str) -> None:
        self.connection.execute(statement.replace("{mart}", self.mart).encode())

    def publish(self) -> list[bool]:
        """Publishes everything; says of each file whether it changed."""
        modified = data_modified(self.connection)
        assert modified is not None
        marts = marked(open_marts(self.project), self.connection, self.project)
        done = publish_all(
            self.connection,
            with_clearance(self.project, self.made.contracts, marts),
            self.folder,
            modified,
            base_url=self.base_url,
        )
        report = write_report(
            self.connection,
            self.folder,
            modified,
            marts=with_clearance(self.project, self.made.contracts, report_marts(self.project)),
            samples=sample_models(self.connection, self.project),
        )
        return [*(file.changed for file in done.published), done.catalog.changed, report.changed]

    def basis(self) -> PublicationBasis | None:
        return publication_basis(self.connection, self.project, self.files, self.folder, self.base_url)

    def night(self) -> bool:
        """Publishes if it is due, as a night does, and says whether it was."""
        before = self.basis()
        assert before
        due = not is_published(self.connection, self.folder, before)
        changed = self.publish()
        assert due or not any(changed), "leaving it would have been wrong"
        after = self.basis()
        assert after and after.inputs == before.inputs
        keep(self.connection, self.folder, after, "run")
        return due


@pytest.fixture
def portal(warehouse_url: str, tmp_path: Path) -> Iterator[Portal]:
    with psycopg.connect(warehouse_url, autocommit=True) as connection:
        yield Portal(connection, tmp_path)


def _change_a_file(portal: Portal) -> None:
    (portal.folder / "csv/m.csv").resolve().write_text("diubah\n")


def _change_a_contract(portal: Portal) -> None:
    portal.files = {"contracts/disdik/sekolah.odcs.yaml": "b"}


def _serve_it_elsewhere(portal: Portal) -> None:
    portal.base_url = "https://data.contoh.id"


CHANGES: dict[str, Callable[[Portal], None]] = {
    "a row": lambda p: p.run("update {mart} set nama = 'SMA Satu' where npsn = '1'"),
    "a row that is there twice": lambda p: p.run("insert into {mart} select * from {mart}"),
    "a load": lambda p: p.run("update ops.load_batch set finished_at = now() + interval '1 day'"),
    "a check": lambda p: p.run(
        "insert into ops.check_result (run_id, asset, check_name, severity, passed)"
        " values ('r', 'core/m', 'uji', 'warn', false)"
    ),
    "a published file": _change_a_file,
    "a contract": _change_a_contract,
    "its address": _serve_it_elsewhere,
}


def test_a_publication_is_left_until_something_changes_that_it_shows(portal: Portal) -> None:
    assert portal.night() is True
    assert portal.night() is False
    for what, change in CHANGES.items():
        change(portal)
        assert portal.night() is True, what
        assert portal.night() is False, what


def test_a_mart_that_is_not_there_is_left_to_the_publication(portal: Portal) -> None:
    portal.run("drop table {mart}")
    assert publication_basis(portal.connection, portal.project, portal.files, portal.folder) is None
