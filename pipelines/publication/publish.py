"""Publishing: clearance, guard, files, catalogue and log, all of it or none (edition.py).

What belongs here: the order of effects. Not here: what a file or a document holds.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb

from pipelines.errors import PublicationError
from pipelines.publication import catalog
from pipelines.publication.catalog import PublishedFile
from pipelines.publication.clearance import HINT as CLEARANCE_HINT
from pipelines.publication.edition import Edition, blocked
from pipelines.publication.files import (
    WrittenFile,
    column_types,
    require_no_transaction,
    snapshot,
    turn,
    write_csv,
)
from pipelines.publication.guard import check_mart
from pipelines.publication.mart import OpenMart
from pipelines.publication.spreadsheet import DoesNotFitError, recipe, write_xlsx

CSV, XLSX = "csv", "xlsx"
SHOWN, WITHDRAWN = "terbit", "ditarik"
"""What ops.publication_log says happened to a file."""
_FOLDER = "folder"
_REPORT = "laporan"
"""What ops.publication_log calls the report."""
_log = logging.getLogger("gudang")


@dataclass(frozen=True, slots=True)
class PublishedCatalog:
    """The catalogue's files, and how many datasets it describes."""

    datapackage: WrittenFile
    dcat: WrittenFile
    datasets: int

    @property
    def changed(self) -> bool:
        return self.datapackage.changed or self.dcat.changed


@dataclass(frozen=True, slots=True)
class Publication:
    """What a round of publishing did: files that lie there now, why marts were refused, whose files went."""

    published: tuple[PublishedFile, ...]
    refused: tuple[PublicationError, ...]
    withdrawn: tuple[str, ...]
    catalog: PublishedCatalog


@dataclass(frozen=True, slots=True)
class _Event:
    """A row of ops.publication_log. basis: by column, on what basis it left. why: of what was withdrawn."""

    mart: str
    path: Path
    sha256: str
    rows: int | None = None
    what: str = SHOWN
    basis: Mapping[str, str] | None = None
    why: str | None = None


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
    """The next edition of `out_dir`: files of the `selected` marts (None: all), catalogue and log, shown at once.

    marts: all that are open; files of any other go, and so do those of marts that a contract closes. Each is
    published by itself, or with those that count the same people: what is refused does not stop the others, and its
    files stay as they were. report: the marts that the report reads; it goes where a contract closes one of them.
    `connection` is autocommit. Raises PublicationError where the folder cannot be written: then nothing changed.
    """
    marts = tuple(marts)
    require_no_transaction(connection)
    with turn(connection, _FOLDER), _edition(out_dir) as edition:
        published, refused = _publish(connection, edition, marts, modified, selected)
        withdrawn = [*_withdraw(edition, marts, out_dir), *_withdraw_report(edition, report, out_dir)]
        documents = _catalog(edition, published, marts, out_dir, base_url)
        events = [event for mart, file in published for event in _events(mart, file)]
        with connection.transaction():
            log(connection, run_id, [*events, *withdrawn])
            edition.show()
    return Publication(
        tuple(file for _, file in published),
        tuple(refused),
        tuple(sorted({event.mart for event in withdrawn})),
        documents,
    )


@contextmanager
def _edition(out_dir: Path) -> Iterator[Edition]:
    edition = Edition(out_dir)
    try:
        yield edition
    except OSError as error:
        raise blocked(error, out_dir) from None
    finally:
        edition.discard()


def _publish(
    connection: Connection[Any],
    edition: Edition,
    marts: Sequence[OpenMart],
    modified: datetime,
    selected: Collection[str] | None,
) -> tuple[list[tuple[OpenMart, PublishedFile]], list[PublicationError]]:
    groups: dict[str, list[OpenMart]] = {}
    for mart in marts:
        if selected is None or mart.name in selected:
            groups.setdefault(mart.published_together or mart.name, []).append(mart)
    published: list[tuple[OpenMart, PublishedFile]] = []
    refused: list[PublicationError] = []
    for group in groups.values():
        try:
            _require_companions(group)
            for mart in group:
                require_clearance(mart)
            published += _group(connection, edition, group, modified)
        except PublicationError as error:
            edition.revert(_name(kind, mart) for mart in group for kind in (CSV, XLSX))
            refused.append(error)
            refused += [
                PublicationError(m.name, f"waits for {error.subject}, which is published together with it")
                for m in group
                if m.name != error.subject
            ]
    return published, refused


def _group(
    connection: Connection[Any], edition: Edition, group: Sequence[OpenMart], modified: datetime
) -> list[tuple[OpenMart, PublishedFile]]:
    """Files of marts that are published together, from one snapshot."""
    published: list[tuple[OpenMart, PublishedFile]] = []
    before = catalog.entries(edition.read(catalog.DATAPACKAGE))
    with snapshot(connection):
        for mart in group:
            with _told(mart):
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
    """The workbook of the same rows; the one that is shown where neither they nor anything else of it changed."""
    name, earlier = _name(XLSX, mart), before.get(f"{mart.name}-xlsx")
    if not csv.changed and earlier and earlier.get("recipe") == how and edition.has(name):
        return edition.kept(name)
    try:
        return edition.write(name, lambda path: write_xlsx(connection, mart, kinds, path))
    except DoesNotFitError as error:
        _log.warning("%s: no XLSX, because %s", mart.name, error)
        if edition.has(name):
            edition.drop(name)
        return None


def _name(kind: str, mart: OpenMart) -> str:
    return f"{kind}/{mart.name}.{kind}"


def _withdraw(edition: Edition, marts: Sequence[OpenMart], out_dir: Path) -> list[_Event]:
    """Takes the files out of marts that are no longer open, or that a contract closes."""
    forbidden = _forbidden(marts)
    known = {mart.name for mart in marts}
    gone: list[_Event] = []
    for name in edition.names():
        path = PurePosixPath(name)
        if path.parent.name not in (CSV, XLSX) or (path.stem in known and path.stem not in forbidden):
            continue
        why = forbidden.get(path.stem, "tidak lagi terbuka")
        gone.append(_withdrawn(edition, out_dir, path.stem, name, why))
    return gone


def _withdraw_report(edition: Edition, marts: Iterable[OpenMart], out_dir: Path) -> list[_Event]:
    """Takes the report out where a contract closes a mart that it reads: its figures are those of the mart."""
    forbidden = _forbidden(marts)
    if not forbidden:
        return []
    from pipelines.publication.report.report import REPORT

    if not edition.has(REPORT):
        return []
    return [_withdrawn(edition, out_dir, _REPORT, REPORT, "; ".join(forbidden.values()))]


def _forbidden(marts: Iterable[OpenMart]) -> dict[str, str]:
    """Why, by the name of each mart that a contract closes."""
    return {m.name: "; ".join(m.clearance.refusals) for m in marts if m.clearance and m.clearance.forbidden}


def _withdrawn(edition: Edition, out_dir: Path, mart: str, name: str, why: str) -> _Event:
    _log.warning("%s: %s ditarik: %s", mart, name, why)
    return _Event(mart, out_dir / name, edition.drop(name), what=WITHDRAWN, why=why)


def _catalog(
    edition: Edition,
    published: Sequence[tuple[OpenMart, PublishedFile]],
    marts: Sequence[OpenMart],
    out_dir: Path,
    base_url: str | None,
) -> PublishedCatalog:
    """datapackage.json and dcat.jsonld over what the edition has; it is served at `base_url`."""
    before = catalog.entries(edition.read(catalog.DATAPACKAGE))
    files = [file for _, file in published]
    package = catalog.datapackage(catalog.resources(files, marts, out_dir, before, edition.names()))
    return PublishedCatalog(
        datapackage=edition.text(catalog.DATAPACKAGE, catalog.as_json(package)),
        dcat=edition.text(catalog.DCAT, catalog.as_json(catalog.dcat(package, base_url))),
        datasets=len(catalog.datasets(package)),
    )


def _events(mart: OpenMart, file: PublishedFile) -> Iterator[_Event]:
    basis = dict(mart.clearance.basis) if mart.clearance else {}
    yield _Event(mart.name, file.path, file.sha256, file.rows, basis=basis)
    if file.spreadsheet:
        yield _Event(mart.name, file.spreadsheet.path, file.spreadsheet.sha256, file.rows, basis=basis)


@contextmanager
def _told(mart: OpenMart) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        # The message of a database may quote a value: only its kind is told.
        raise PublicationError(
            mart.name, f"could not be written ({type(error).__name__})", hint="see the server's log"
        ) from None


def require_clearance(mart: OpenMart) -> None:
    """By its lineage (clearance.py): what nobody looked at stays, as what may not leave."""
    if mart.clearance is None:
        raise PublicationError(mart.name, "may not leave: nobody has looked at its lineage")
    if mart.clearance.refusals:
        raise PublicationError(
            mart.name, f"may not leave: {'; '.join(mart.clearance.refusals)}", hint=CLEARANCE_HINT
        )


def _require_companions(group: Sequence[OpenMart]) -> None:
    """Cells of tonight beside totals of yesterday can give back what is hidden."""
    present = {m.name for m in group}
    for mart in group:
        if missing := sorted(set(mart.companions) - present):
            raise PublicationError(
                mart.name,
                f"is published together with {', '.join(missing)}, or not at all",
                hint=f"select {', '.join(missing)} too",
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
    """laporan.html, dated `as_of`, in the next edition. `connection` is autocommit. Raises PublicationError.

    marts: what it reads; one that may not leave stops it, and where a contract closes it, the report of before goes.
    samples: the models that hold made-up rows.
    """
    from pipelines.publication.report.data import read_report
    from pipelines.publication.report.report import REPORT, render

    marts = tuple(marts)
    if _forbidden(marts):
        with turn(connection, _FOLDER), _edition(out_dir) as edition, connection.transaction():
            log(connection, run_id, _withdraw_report(edition, marts, out_dir))
            edition.show()
    for mart in marts:
        require_clearance(mart)
    with snapshot(connection):
        data = read_report(connection)
    page = render(data, as_of, samples)
    with turn(connection, _FOLDER), _edition(out_dir) as edition:
        file = edition.text(REPORT, page)
        with connection.transaction():
            log(connection, run_id, [_Event(_REPORT, file.path, file.sha256)])
            edition.show()
    return file


def log(connection: Connection[Any], run_id: str | None, events: Iterable[_Event]) -> None:
    """One row per content: a file that stays the same is not logged again, one that a killed run left is."""
    for event in events:
        connection.execute(
            "insert into ops.publication_log (run_id, mart, path, sha256, rows, peristiwa, dasar, alasan)"
            " select n.* from (select %(run)s::text, %(mart)s::text, %(path)s::text, %(sha)s::text as sha256,"
            "   %(rows)s::bigint, %(what)s::text as peristiwa, %(basis)s::jsonb as dasar, %(why)s::text) as n"
            " where not exists (select from"
            "   (select sha256, peristiwa, dasar from ops.publication_log"
            "    where mart = %(mart)s and path = %(path)s order by at desc limit 1) as last"
            "   where last.sha256 = n.sha256 and last.peristiwa = n.peristiwa"
            "   and last.dasar is not distinct from n.dasar)",
            {
                "run": run_id,
                "mart": event.mart,
                "path": str(event.path),
                "sha": event.sha256,
                "rows": event.rows,
                "what": event.what,
                "basis": Jsonb(dict(event.basis)) if event.basis else None,
                "why": event.why,
            },
        )
