"""Recognises that publishing again would give the files that are shown, so that a night need not do it (adr/042).

Not here: publishing (publish.py), which writes no file whose bytes are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from psycopg import Connection, errors

from pipelines.models.project.nodes import Project
from pipelines.publication.edition import shown_files
from pipelines.publication.files import sha256_of, snapshot
from pipelines.publication.mart import open_marts, report_marts
from pipelines.publication.publish import data_modified
from pipelines.publication.samples import sample_models
from pipelines.warehouse.content import content_hash

_PROGRAM = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class PublicationBasis:
    """inputs: a hash of all that publishing depends on. files: a hash of the files that are shown."""

    inputs: str
    files: str


def publication_basis(
    connection: Connection[Any],
    project: Project,
    files: Mapping[str, str],
    folder: Path,
    base_url: str | None = None,
) -> PublicationBasis | None:
    """What publishing now would be made of, and the files that are shown in `folder`.

    None if a mart cannot be read. `connection` is autocommit. files: the contracts and models of the project by path,
    with a hash of each. base_url: where `folder` is served. Raises PublicationError for marts that the project declares
    wrongly.
    """
    from pipelines.publication.report.data import read_report

    marts = {(mart.schema, mart.name) for mart in (*open_marts(project), *report_marts(project))}
    try:
        with snapshot(connection):
            held = [
                f"{schema}.{name} {content_hash(connection, (schema, name))}"
                for schema, name in sorted(marts)
            ]
            seen = [
                repr(read_report(connection)),
                repr(data_modified(connection)),
                repr(sorted(sample_models(connection, project))),
                repr(base_url),
            ]
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        return None
    own = [f"{path} {sha}" for path, sha in sorted(files.items())]
    shown = [f"{name} {sha256_of(path)}" for name, path in shown_files(folder)]
    return PublicationBasis(_hash([_program(), *own, *held, *seen]), _hash(shown))


def is_published(connection: Connection[Any], folder: Path, basis: PublicationBasis) -> bool:
    """Whether the last complete publication into `folder` was made of the same, and its files are still shown."""
    row = connection.execute(
        "select inputs, files from ops.publication_state where folder = %s", [str(folder)]
    ).fetchone()
    return row == (basis.inputs, basis.files)


def keep(connection: Connection[Any], folder: Path, basis: PublicationBasis, run_id: str) -> None:
    """Notes the basis of a publication in which nothing was refused."""
    connection.execute(
        "insert into ops.publication_state (folder, inputs, files, run_id) values (%s, %s, %s, %s)"
        " on conflict (folder) do update set inputs = excluded.inputs, files = excluded.files,"
        " run_id = excluded.run_id, at = clock_timestamp()",
        [str(folder), basis.inputs, basis.files, run_id],
    )


@cache
def _program() -> str:
    """A hash of this program's own files: another version may publish the same rows otherwise."""
    files = [p for p in sorted(_PROGRAM.rglob("*")) if p.is_file() and p.suffix != ".pyc"]
    return _hash(f"{path.name} {sha256_of(path)}" for path in files)


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
