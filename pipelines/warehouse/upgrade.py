"""Brings the warehouse's own schema to this version: migrations by number, then functions and views.

What belongs here: which scripts have to run, and `ops.migration`, the list of scripts that ran.
- migrations/NNN_<what>.sql change tables. Each runs once, in the order of the numbers, and is never edited afterwards.
- functions/*.sql and views/*.sql define the present version (`create or replace`). Each runs again if its text changed.
- SIMILARITY depends on what the server offers, and runs at every start.
Not here: raw tables and the contracts' promises (load/prepare.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from typing import Any

from psycopg import Connection

from pipelines.errors import LoadError
from pipelines.warehouse import locks

SUBJECT = "gudang data"
SIMILARITY = "functions/similarity.sql"

_LEDGER = """
create schema if not exists ops;
create table if not exists ops.migration (
    name text primary key,
    number integer unique,
    sha256 text not null,
    version text not null,
    applied_at timestamptz not null default clock_timestamp()
);
comment on table ops.migration is 'Scripts that made this schema; without a number: run again if the row is deleted.';
comment on column ops.migration.number is 'Order of a migration; null for functions and views, which are replaced.';
comment on column ops.migration.version is 'The version of gudang that ran it last.';
"""


@dataclass(frozen=True, slots=True)
class Script:
    """A script that makes a part of the warehouse's own schema.

    number: the place of a migration in their order; None for a script that runs again whenever its text changed.
    """

    name: str
    text: str
    number: int | None = None

    @property
    def sha256(self) -> str:
        """The SHA-256 of the text, by which a change is noticed."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    """A row of ops.migration: a script that ran here."""

    name: str
    number: int | None
    sha256: str


def migrations() -> list[Script]:
    """The migrations of this version, in their order."""
    return [Script(name, text, int(name[:3])) for name, text in _files("migrations")]


def functions_and_views() -> list[Script]:
    """The scripts of functions, and then of the views that may call them."""
    found = [(f"{folder}/{name}", text) for folder in ("functions", "views") for name, text in _files(folder)]
    return [Script(name, text) for name, text in found if name != SIMILARITY]


def _files(folder: str) -> list[tuple[str, str]]:
    """Name and text of each script in a folder of this package, sorted by name."""
    place = resources.files("pipelines.warehouse").joinpath(folder)
    scripts: list[Traversable] = [entry for entry in place.iterdir() if entry.name.endswith(".sql")]
    return sorted((entry.name, entry.read_text("utf-8")) for entry in scripts)


def pending(scripts: Iterable[Script], applied: Sequence[Applied]) -> list[Script]:
    """The scripts that have to run, in their order.

    Raises LoadError if the warehouse is newer than `scripts`, or a migration that ran has another text now.
    """
    scripts = list(scripts)
    by_number = {row.number: row for row in applied if row.number is not None}
    by_name = {row.name: row for row in applied}
    newest = max((script.number for script in scripts if script.number is not None), default=0)
    if unknown := [row.name for number, row in sorted(by_number.items()) if number > newest]:
        raise LoadError(
            SUBJECT,
            f"skema ops lebih baru daripada program ini: {', '.join(unknown)} tidak dikenal",
            hint="pasang versi program yang terakhir dipakai dengan gudang data ini, atau yang lebih baru",
        )
    due: list[Script] = []
    for script in scripts:
        row = by_name.get(script.name) if script.number is None else by_number.get(script.number)
        if row is None or (script.number is None and row.sha256 != script.sha256):
            due.append(script)
        elif row.sha256 != script.sha256:
            raise LoadError(
                SUBJECT,
                f"migrasi {script.name} sudah dijalankan di sini dengan isi lain (sha256 {row.sha256[:12]}, sekarang"
                f" {script.sha256[:12]})",
                hint="kembalikan isi berkas itu, dan tulis perubahannya sebagai migrasi baru",
            )
    return due


def upgrade(
    connection: Connection[Any],
    *,
    more: Mapping[str, str] | None = None,
    known: Sequence[Script] | None = None,
    patience: locks.LockPatience = locks.PATIENCE,
) -> list[str]:
    """Runs the scripts that this warehouse lacks, one transaction each. Gives the names of those that ran.

    more: text of further functions by name. known: scripts to use instead of those of this version.

    Call it while no other session prepares the warehouse. Raises LoadError as `pending` does, and psycopg's errors,
    for example if a right is missing or a lock can't be had.
    """
    scripts = [*migrations(), *functions_and_views()] if known is None else list(known)
    scripts += [Script(name, text) for name, text in (more or {}).items()]
    applied = applied_scripts(connection)
    due = pending(scripts, applied or [])
    if applied is None:
        with connection.transaction():
            connection.execute(_LEDGER)
    for script in due:
        locks.retry_until_locked(connection, lambda script=script: _run(connection, script), patience)
    if known is None:
        place = resources.files("pipelines.warehouse").joinpath(SIMILARITY)
        connection.execute(place.read_bytes())
    return [script.name for script in due]


def applied_scripts(connection: Connection[Any]) -> list[Applied] | None:
    """The rows of ops.migration; None if the warehouse has no such table yet."""
    if connection.execute("select to_regclass('ops.migration')").fetchone() == (None,):
        return None
    rows = connection.execute("select name, number, sha256 from ops.migration order by number").fetchall()
    return [Applied(*row) for row in rows]


def _run(connection: Connection[Any], script: Script) -> None:
    connection.execute(script.text.encode())
    connection.execute(
        "insert into ops.migration (name, number, sha256, version) values (%s, %s, %s, %s) on conflict (name) do update"
        " set sha256 = excluded.sha256, version = excluded.version, applied_at = clock_timestamp()",
        [script.name, script.number, script.sha256, metadata.version("gudang-data-kaltim")],
    )
