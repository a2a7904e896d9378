"""A run of the job `publication` leaves files that would be written the same, as the tag of the run says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from pipelines.assets.publication import is_left, note_published, publication_assets, publication_tags
from pipelines.jobs import NIGHT, PUBLISHED_FROM, UNCHANGED
from pipelines.publication.mart import open_marts
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import Settings
from tests.support.open_data_project import OpenDataProject


class Office:
    """A warehouse with one open mart, and the runs that publish it."""

    def __init__(self, url: str, folder: Path) -> None:
        made = OpenDataProject(folder).without_models()
        assert not made.mart("select npsn, nama from @sekolah", "npsn", "nama").refusals
        self.project = made.folder.project()
        (mart,) = open_marts(self.project)
        self.mart = f"{mart.schema}.{mart.name}"
        self.connection = psycopg.connect(url, autocommit=True)
        self.run(f"create schema if not exists {mart.schema}")
        self.run("create table {mart} (npsn text, nama text)")
        self.run(
            "insert into ops.load_batch (dataset, run_id, state, started_at, finished_at)"
            " values ('disdik/sekolah', 'r', 'loaded', now(), now())"
        )
        self.settings = Settings(home=folder / "home", project=made.folder.root.parent, warehouse_url=url)
        self.warehouse = Warehouse(url=url.replace("postgresql://", "postgresql+psycopg://", 1))
        self.instance = dg.DagsterInstance.ephemeral()

    def run(self, statement: str) -> None:
        self.connection.execute(statement.replace("{mart}", self.mart).encode())

    def tags(self) -> dict[str, str]:
        return publication_tags(self.connection, self.project, {"a": "1"}, self.settings)

    def publish(self, **tags: str) -> int:
        """Publishes as a night does; the number of files and pages that the run gave to Dagster."""
        assets = [a for a in publication_assets(self.project, self.settings) if a.op.name != "dictionary"]
        done = dg.materialize(
            assets,
            instance=self.instance,
            resources={"warehouse": self.warehouse},
            tags=self.tags() | tags,
            raise_on_error=False,
        )
        self.succeeded = done.success
        note_published(self.connection, self.project, {"a": "1"}, self.settings, done.dagster_run)
        return len(done.get_asset_materialization_events())


@pytest.fixture
def office(warehouse_url: str, tmp_path: Path) -> Iterator[Office]:
    made = Office(warehouse_url, tmp_path)
    yield made
    made.connection.close()
    made.instance.dispose()


def test_a_second_night_leaves_what_is_published_until_a_row_changes(office: Office) -> None:
    assert office.publish() == 3, "the mart, the catalogue, the report"
    assert office.tags() == {PUBLISHED_FROM: UNCHANGED}
    assert office.publish() == 0
    office.run("insert into {mart} values ('1', 'SMA 1')")
    assert office.tags().keys() == {PUBLISHED_FROM} and office.tags()[PUBLISHED_FROM] != UNCHANGED
    assert office.publish() == 3


def test_the_catalogue_has_the_address_that_is_set(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def base() -> str | None:
        path = office.settings.publication_dir / "dcat.jsonld"
        return json.loads(path.read_text("utf-8"))["@context"].get("@base")

    office.publish()
    assert base() is None
    monkeypatch.setenv("GUDANG_PUBLICATION_URL", "https://data.contoh.id/terbuka")
    assert office.publish() == 3, "it is published again, though no row changed"
    assert base() == "https://data.contoh.id/terbuka/"


def test_a_run_that_is_executed_again_publishes() -> None:
    tags = {PUBLISHED_FROM: UNCHANGED}
    assert is_left(dg.DagsterRun("publication", tags=tags))
    assert not is_left(dg.DagsterRun("publication", tags=tags, root_run_id="a", parent_run_id="a"))
    assert not is_left(dg.DagsterRun("publication", tags={PUBLISHED_FROM: "3f"}))
    assert not is_left(dg.DagsterRun("publication"))


def test_a_mart_that_no_night_has_built_yet_fails_only_a_night(office: Office) -> None:
    office.run("drop table {mart}")
    office.publish()
    assert office.succeeded
    office.publish(**{NIGHT: "2026-11-23"})
    assert not office.succeeded
