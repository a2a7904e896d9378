"""Publishes the open marts: checks them, writes files, catalogue and log, and shows them at once, or changes nothing.

What belongs here: the order of the steps. Not here: what a file or a document holds.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from pipelines.errors import PublicationError
from pipelines.publication import catalog, publication_log
from pipelines.publication.catalog import PublishedFile
from pipelines.publication.clearance import HINT as CLEARANCE_HINT
from pipelines.publication.edition import Edition, folder_error
from pipelines.publication.files import (
    CSV,
    XLSX,
    NotBuiltError,
    WrittenFile,
    column_types,
    require_no_transaction,
    snapshot,
    turn,
    write_csv,
)
from pipelines.publication.guard import check_mart
from pipelines.publication.mart import OpenMart
from pipelines.publication.publication_log import Event, log
from pipelines.publication.spreadsheet import DoesNotFitError, recipe, write_xlsx
from pipelines.publication.withdrawal import forbidden_marts, withdraw, withdraw_report

_FOLDER = "folder"
"""The lock of the folder: one publication at a time."""
_log = logging.getLogger("gudang")


@dataclass(frozen=True, slots=True)
class PublishedCatalog:
    """The catalogue's files, and how many datasets it describes."""

    datapackage: WrittenFile
    dcat: WrittenFile
    datasets: int

    @property
    def changed(self) -> bool:
        """Whether this run changed one of its files."""
        return self.datapackage.changed or self.dcat.changed


@dataclass(frozen=True, slots=True)
class Publication:
    """The result of publishing: the files, why marts were refused, the names of marts whose files were withdrawn.

    not_built: of the marts that were never built or published, that their table does not exist.
    """

    published: tuple[PublishedFile, ...]
    refused: tuple[PublicationError, ...]
    not_built: tuple[PublicationError, ...]
    withdrawn: tuple[str, ...]
    catalog: PublishedCatalog


def data_modified(connection: Connection[Any]) -> datetime | None:
    """When data last came into the warehouse, by the ledger; None before the first load."""
    row = connection.execute("select max(finished_at) from ops.load_batch where state = 'loaded'").fetchone()
    return row[0] if row else None


def publish_all(
    connection: Connection[Any],
    marts: Iterable[OpenMart],
    out_dir: Path,
    modified: datetime,
    *,
    selected: Collection[str] | None = None,
    report: Iterable[OpenMart] = (),
    run_id: str | None = None,
    base_url: str | None = None,
) -> Publication:
    """Writes the next edition of `out_dir`, the `selected` marts (None: all) and the catalogue, and shows it at once.

    marts: all that are open; the files of any other are withdrawn, and so are those of marts that a contract closes.
    Each mart is published by itself, or together with the marts of its exposure (`published_together`). A refused mart
    does not stop the others, and its files stay as they were. report: the marts that the report reads; the report is
    withdrawn where a contract closes one of them. modified: the time of the data; a file that stays the same keeps the
    time that the catalogue has for it. base_url: where `out_dir` is served. `connection` is autocommit. Raises
    PublicationError where the folder cannot be written: then nothing changed.
    """
    marts = tuple(marts)
    require_no_transaction(connection)
    with turn(connection, _FOLDER), _edition(out_dir) as edition:
        published, refused, not_built = _publish(connection, edition, marts, modified, selected)
        withdrawn = [*withdraw(edition, marts, out_dir), *withdraw_report(edition, report, out_dir)]
        documents = _catalog(edition, published, marts, out_dir, base_url)
        events = [event for mart, file in published for event in _events(mart, file)]
        with connection.transaction():
            log(connection, run_id, [*events, *withdrawn])
            edition.show()
    return Publication(
        tuple(file for _, file in published),
        tuple(refused),
        tuple(not_built),
        tuple(sorted({event.mart for event in withdrawn})),
        documents,
    )


@contextmanager
def _edition(out_dir: Path) -> Iterator[Edition]:
    edition = Edition(out_dir)
    try:
        yield edition
    except OSError as error:
        raise folder_error(error, out_dir) from None
    finally:
        edition.discard()


def _publish(
    connection: Connection[Any],
    edition: Edition,
    marts: Sequence[OpenMart],
    modified: datetime,
    selected: Collection[str] | None,
) -> tuple[list[tuple[OpenMart, PublishedFile]], list[PublicationError], list[PublicationError]]:
    groups: dict[str, list[OpenMart]] = {}
    for mart in marts:
        if selected is None or mart.name in selected:
            groups.setdefault(mart.published_together or mart.name, []).append(mart)
    published: list[tuple[OpenMart, PublishedFile]] = []
    refused: list[PublicationError] = []
    not_built: list[PublicationError] = []
    for group in groups.values():
        try:
            _require_companions(group)
            for mart in group:
                require_clearance(mart)
            published += _group(connection, edition, group, modified)
        except PublicationError as error:
            edition.revert(_name(kind, mart) for mart in group for kind in (CSV, XLSX))
            shown = any(edition.has(_name(CSV, mart)) for mart in group)
            errors = not_built if isinstance(error, NotBuiltError) and not shown else refused
            errors.append(error)
            errors += [
                PublicationError(m.name, f"menunggu {error.subject}, yang hanya terbit bersamanya")
                for m in group
                if m.name != error.subject
            ]
    return published, refused, not_built


def _group(
    connection: Connection[Any], edition: Edition, group: Sequence[OpenMart], modified: datetime
) -> list[tuple[OpenMart, PublishedFile]]:
    """Writes the files of marts that are published together, from one snapshot."""
    published: list[tuple[OpenMart, PublishedFile]] = []
    before = catalog.entries(edition.read(catalog.DATAPACKAGE))
    with snapshot(connection):
        for mart in group:
            with _written(mart):
                published.append((mart, _files(connection, edition, mart, modified, before)))
    return published


def _files(
    connection: Connection[Any],
    edition: Edition,
    mart: OpenMart,
    modified: datetime,
    before: Mapping[str, catalog.Entry],
) -> PublishedFile:
    kinds = column_types(connection, mart)
    check_mart(connection, mart, kinds)
    rows = 0

    def csv(path: Path) -> Any:
        nonlocal rows
        written = write_csv(connection, mart, kinds, path)
        rows = written.rows
        return written

    file = edition.write(_name(CSV, mart), csv)
    how = recipe(mart, kinds)
    return PublishedFile(
        mart.name,
        file.path,
        file.sha256,
        rows,
        file.bytes,
        file.changed,
        modified,
        datetime.now(UTC),
        kinds,
        _spreadsheet(connection, edition, mart, kinds, how, file, before),
        how,
    )


def _spreadsheet(
    connection: Connection[Any],
    edition: Edition,
    mart: OpenMart,
    kinds: Sequence[str],
    how: str,
    csv: WrittenFile,
    before: Mapping[str, catalog.Entry],
) -> WrittenFile | None:
    """Writes the workbook of the same rows, or takes over the shown one if nothing of it changed.

    A shown workbook whose bytes are not those that the catalogue describes is damaged, and is written again.
    """
    name, earlier = _name(XLSX, mart), before.get(f"{mart.name}-xlsx")
    if not csv.changed and earlier and earlier.get("recipe") == how and edition.has(name):
        shown = edition.unchanged_file(name)
        if earlier["hash"] == catalog.hash_of(shown.sha256):
            return shown
    try:
        return edition.write(name, lambda path: write_xlsx(connection, mart, kinds, path))
    except DoesNotFitError as error:
        _log.warning("%s: tanpa XLSX, karena %s", mart.name, error)
        if edition.has(name):
            edition.drop(name)
        return None


def _name(kind: str, mart: OpenMart) -> str:
    return f"{kind}/{mart.name}.{kind}"


def _catalog(
    edition: Edition,
    published: Sequence[tuple[OpenMart, PublishedFile]],
    marts: Sequence[OpenMart],
    out_dir: Path,
    base_url: str | None,
) -> PublishedCatalog:
    """Writes datapackage.json and dcat.jsonld for the files of the edition, which is served at `base_url`."""
    before = catalog.entries(edition.read(catalog.DATAPACKAGE))
    files = [file for _, file in published]
    package = catalog.datapackage(catalog.resources(files, marts, out_dir, before, edition.names()), base_url)
    return PublishedCatalog(
        datapackage=edition.text(catalog.DATAPACKAGE, catalog.as_json(package)),
        dcat=edition.text(catalog.DCAT, catalog.as_json(catalog.dcat(package, base_url))),
        datasets=len(catalog.datasets(package)),
    )


def _events(mart: OpenMart, file: PublishedFile) -> Iterator[Event]:
    basis = dict(mart.clearance.basis) if mart.clearance else {}
    yield Event(mart.name, file.path, file.sha256, file.rows, basis=basis)
    if file.spreadsheet:
        yield Event(mart.name, file.spreadsheet.path, file.spreadsheet.sha256, file.rows, basis=basis)


@contextmanager
def _written(mart: OpenMart) -> Iterator[None]:
    """Turns an error of the database while `mart` is written into a PublicationError."""
    try:
        yield
    except psycopg.Error as error:
        # The message of a database may quote a value, so only the kind of the error is shown.
        raise PublicationError(
            mart.name, f"tidak dapat ditulis ({type(error).__name__})", hint="sebabnya di catatan server"
        ) from None


def require_clearance(mart: OpenMart) -> None:
    """Raises PublicationError for a mart whose lineage forbids it (clearance.py), or that has no clearance."""
    if mart.clearance is None:
        raise PublicationError(mart.name, "tidak boleh terbit: silsilahnya belum diperiksa")
    if mart.clearance.refusals:
        raise PublicationError(
            mart.name, f"tidak boleh terbit: {'; '.join(mart.clearance.refusals)}", hint=CLEARANCE_HINT
        )


def _require_companions(group: Sequence[OpenMart]) -> None:
    """Raises PublicationError if a mart of a group is missing: new cells with old totals would reveal hidden cells."""
    present = {m.name for m in group}
    for mart in group:
        if missing := sorted(set(mart.companions) - present):
            raise PublicationError(
                mart.name,
                f"hanya terbit bersama {', '.join(missing)}",
                hint=f"pilih juga {', '.join(missing)}",
            )


def write_report(
    connection: Connection[Any],
    out_dir: Path,
    as_of: datetime,
    *,
    marts: Iterable[OpenMart] = (),
    run_id: str | None = None,
    samples: Collection[str] = (),
) -> WrittenFile:
    """Writes laporan.html, dated `as_of`, into the next edition. `connection` is autocommit. Raises PublicationError.

    marts: those that it reads. If one may not be published, the report is not written; if a contract closes one, the
    shown report is withdrawn.
    samples: the models that hold made-up rows.
    """
    from pipelines.publication.report.data import read_report
    from pipelines.publication.report.report import REPORT, render

    marts = tuple(marts)
    if forbidden_marts(marts):
        with turn(connection, _FOLDER), _edition(out_dir) as edition, connection.transaction():
            log(connection, run_id, withdraw_report(edition, marts, out_dir))
            edition.show()
    for mart in marts:
        require_clearance(mart)
    with snapshot(connection):
        data = read_report(connection)
    page = render(data, as_of, samples)
    with turn(connection, _FOLDER), _edition(out_dir) as edition:
        file = edition.text(REPORT, page)
        with connection.transaction():
            log(connection, run_id, [Event(publication_log.REPORT, file.path, file.sha256)])
            edition.show()
    return file
