"""Publishing: guard, file, log; then the catalogue over all of it.

What belongs here: the order of effects. Not here: what a file or a document holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from pipelines.errors import PublicationError
from pipelines.publish import catalog
from pipelines.publish.catalog import PublishedFile
from pipelines.publish.clearance import HINT as CLEARANCE_HINT
from pipelines.publish.files import (
    Aside,
    WrittenFile,
    column_types,
    put_in_place,
    replace_text,
    snapshot,
    turn,
    write_csv,
)
from pipelines.publish.guard import check_mart
from pipelines.publish.mart import OpenMart


@dataclass(frozen=True, slots=True)
class Publication:
    """What a round of publishing did: files that lie there now, and why marts were refused."""

    published: tuple[PublishedFile, ...]
    refused: tuple[PublicationError, ...]


@dataclass(frozen=True, slots=True)
class PublishedCatalog:
    """The catalogue's files. `withdrawn`: marts that are no longer open; their files are left to a person."""

    datapackage: WrittenFile
    dcat: WrittenFile
    datasets: int
    withdrawn: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return self.datapackage.changed or self.dcat.changed


def data_modified(connection: Connection[Any]) -> datetime | None:
    """When data last came into the warehouse, by the ledger; None before the first load."""
    row = connection.execute("select max(finished_at) from ops.load_batch where state = 'loaded'").fetchone()
    return row[0] if row else None


def publish_together(
    connection: Connection[Any],
    marts: Sequence[OpenMart],
    out_dir: Path,
    modified: datetime,
    *,
    run_id: str | None = None,
) -> tuple[PublishedFile, ...]:
    """Writes csv/<mart>.csv of each, all or none, and logs those that changed. `connection` is autocommit.

    All are read from one snapshot and written aside before the first takes its name. Raises PublicationError; what
    was published before stays as it was.
    """
    for mart in marts:
        _insist_on_clearance(mart)
    with ExitStack() as stack:
        for mart in sorted(marts, key=lambda m: m.name):
            stack.enter_context(turn(connection, mart.name))
        written: list[tuple[OpenMart, tuple[str, ...], Aside]] = []
        with snapshot(connection):
            for mart in marts:
                kinds, aside = _write_aside(connection, mart, out_dir)
                stack.callback(aside.discard)
                written.append((mart, kinds, aside))
        published: list[PublishedFile] = []
        for mart, kinds, aside in written:
            with _told(mart):
                file = put_in_place(aside)
            log(connection, run_id, mart.name, file, aside.rows)
            published.append(
                PublishedFile(
                    mart.name, file.path, file.sha256, aside.rows, file.bytes, file.changed, modified, kinds
                )
            )
    return tuple(published)


def _write_aside(connection: Connection[Any], mart: OpenMart, out_dir: Path) -> tuple[tuple[str, ...], Aside]:
    with _told(mart):
        kinds = column_types(connection, mart)
        check_mart(connection, mart, kinds)
        return kinds, write_csv(connection, mart, kinds, out_dir / "csv" / f"{mart.name}.csv")


@contextmanager
def _told(mart: OpenMart) -> Iterator[None]:
    try:
        yield
    except (psycopg.Error, OSError) as error:
        # The message of a database may quote a value: only its kind is told.
        raise PublicationError(
            mart.name, f"could not be written ({type(error).__name__})", hint="see the server's log"
        ) from None


def publish_all(
    connection: Connection[Any],
    marts: Iterable[OpenMart],
    out_dir: Path,
    modified: datetime,
    *,
    run_id: str | None = None,
) -> Publication:
    """Every mart by itself, or with those that tell of the same people: what is refused does not stop the others."""
    groups: dict[str, list[OpenMart]] = {}
    for mart in marts:
        groups.setdefault(mart.together or mart.name, []).append(mart)
    published: list[PublishedFile] = []
    refused: list[PublicationError] = []
    for group in groups.values():
        try:
            _insist_on_companions(group)
            published += publish_together(connection, group, out_dir, modified, run_id=run_id)
        except PublicationError as error:
            refused.append(error)
            refused += [
                PublicationError(m.name, f"waits for {error.subject}, which is published together with it")
                for m in group
                if m.name != error.subject
            ]
    return Publication(tuple(published), tuple(refused))


def _insist_on_clearance(mart: OpenMart) -> None:
    """By its lineage (clearance.py): what nobody looked at stays, as what may not leave."""
    if mart.clearance is None:
        raise PublicationError(mart.name, "may not leave: nobody has looked at its lineage")
    if mart.clearance.refusals:
        raise PublicationError(
            mart.name, f"may not leave: {'; '.join(mart.clearance.refusals)}", hint=CLEARANCE_HINT
        )


def _insist_on_companions(group: Sequence[OpenMart]) -> None:
    """Cells of tonight beside totals of yesterday can give back what is hidden."""
    present = {m.name for m in group}
    for mart in group:
        if missing := sorted(set(mart.companions) - present):
            raise PublicationError(
                mart.name,
                f"is published together with {', '.join(missing)}, or not at all",
                hint=f"select {', '.join(missing)} too",
            )


def write_catalog(
    published: Iterable[PublishedFile],
    marts: Iterable[OpenMart],
    out_dir: Path,
    *,
    base_url: str | None = None,
) -> PublishedCatalog:
    """datapackage.json and dcat.jsonld over what lies in `out_dir`, which is served at `base_url`."""
    marts = tuple(marts)
    before = catalog.read_entries(out_dir)
    package = catalog.datapackage(catalog.resources(published, marts, out_dir, before))
    return PublishedCatalog(
        datapackage=replace_text(out_dir / catalog.DATAPACKAGE, catalog.as_json(package)),
        dcat=replace_text(out_dir / catalog.DCAT, catalog.as_json(catalog.dcat(package, base_url))),
        datasets=len(package["resources"]),
        withdrawn=tuple(sorted(set(before) - {mart.name for mart in marts})),
    )


def write_report(
    connection: Connection[Any],
    out_dir: Path,
    as_of: datetime,
    *,
    run_id: str | None = None,
    samples: Collection[str] = (),
) -> WrittenFile:
    """laporan.html, dated `as_of`. `connection` is autocommit. Raises PublicationError.

    samples: the models that hold made-up rows.
    """
    from pipelines.publish.report import REPORT, render
    from pipelines.publish.report_data import read_report

    with turn(connection, REPORT):
        with snapshot(connection):
            data = read_report(connection)
        file = replace_text(out_dir / REPORT, render(data, as_of, samples))
        log(connection, run_id, "laporan", file, None)
    return file


def log(
    connection: Connection[Any], run_id: str | None, name: str, file: WrittenFile, rows: int | None
) -> None:
    """One row per content: a file that stays the same is not logged again, one that a killed run left is."""
    connection.execute(
        "insert into ops.publication_log (run_id, mart, path, sha256, rows)"
        " select %(run)s, %(mart)s, %(path)s, %(sha)s, %(rows)s where %(sha)s is distinct from"
        " (select sha256 from ops.publication_log where mart = %(mart)s and path = %(path)s"
        "  order by at desc limit 1)",
        {"run": run_id, "mart": name, "path": str(file.path), "sha": file.sha256, "rows": rows},
    )
