"""Brings the warehouse's own schema to this version: migrations by number, then functions and views.

What belongs here: which scripts have to run, and `ops.migration`, the list of scripts that ran.
- migrations/NNN_<what>.sql change tables. Each runs once, in the order of the numbers, and is never edited afterwards.
- functions/*.sql and views/*.sql define the present version (`create or replace`). Each runs again if its text changed.
- SIMILARITY depends on what the server offers, and runs at every start.
- Schemas that are missing are made at every start. A missing table is an error, because its rows are gone, too.
Not here: raw tables and the contracts' promises (load/prepare.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from typing import Any

from psycopg import Connection, errors, sql

from pipelines.errors import LoadError
from pipelines.warehouse import locks
from pipelines.warehouse.connection import first_line

SUBJECT = "gudang data"
SIMILARITY = "functions/similarity.sql"
SCHEMAS = ("landing", "raw", "quarantine", "staging", "core", "mart_satu_data", "mart_spbe", "ops")
"""What the migrations make, as the tables below."""
TABLES = (
    "ops.alert",
    "ops.alert_delivery",
    "ops.alert_message",
    "ops.check_result",
    "ops.class_share",
    "ops.contract",
    "ops.declared_check",
    "ops.empty_window",
    "ops.feedback",
    "ops.load_approval",
    "ops.load_batch",
    "ops.load_decision",
    "ops.load_period",
    "ops.load_repair",
    "ops.migration",
    "ops.model_run",
    "ops.model_state",
    "ops.pseudonym_key",
    "ops.publication_log",
    "ops.publication_state",
    "ops.reconciliation",
    "ops.schema_drift",
    "ops.source_shape",
    "ops.upload_by",
    "ops.upload_preview",
    "ops.upload_seen",
    "ops.watermark",
    "quarantine.confirmation",
    "quarantine.row",
    "quarantine.withdrawal",
)

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
            code="GDK-M010",
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
                code="GDK-M010",
            )
    return due


def is_current(connection: Connection[Any], more: Mapping[str, str]) -> bool:
    """Whether every script of this version ran here. Raises LoadError as `pending` does.

    more: as for `upgrade`.
    """
    try:
        applied = applied_scripts(connection)
    except errors.InsufficientPrivilege:  # `upgrade` meets it, too, and its caller says what to do
        return False
    return applied is not None and not pending(_scripts(more), applied)


def upgrade(
    connection: Connection[Any],
    *,
    more: Mapping[str, str] | None = None,
    known: Sequence[Script] | None = None,
    patience: locks.LockPatience = locks.PATIENCE,
) -> list[str]:
    """Runs the scripts that this warehouse lacks, one transaction each. Gives the names of those that ran.

    more: text of further functions by name. known: scripts to use instead of those of this version.

    Call it while no other session prepares the warehouse. Raises LoadError as `pending` does, and if the tables are not
    those that ops.migration tells of; and psycopg's errors, for example if a right is missing or a lock can't be had.
    """
    scripts = _scripts(more or {}) if known is None else list(known)
    applied = applied_scripts(connection)
    due = pending(scripts, applied or [])
    _refuse_lost_ledger(connection, applied or [])
    numbered = [script for script in due if script.number is not None]
    for place, script in enumerate(numbered):
        makes_ledger = applied is None and place == 0
        _migrate(connection, script, makes_ledger, patience)
    if known is None:
        _make_missing_schemas(connection)
        _refuse_missing_tables(connection)
    for script in due[len(numbered) :]:
        locks.retry_until_locked(connection, lambda script=script: _run(connection, script), patience)
    if known is None:
        similarity = resources.files("pipelines.warehouse").joinpath(SIMILARITY).read_bytes()
        locks.retry_until_locked(connection, lambda: _execute(connection, similarity), patience)
    return [script.name for script in due]


def _scripts(more: Mapping[str, str]) -> list[Script]:
    """The scripts of this version, migrations first."""
    return [*migrations(), *functions_and_views(), *(Script(name, text) for name, text in more.items())]


def _refuse_lost_ledger(connection: Connection[Any], applied: Sequence[Applied]) -> None:
    """Raises LoadError if migration 002 has changed the tables, and ops.migration doesn't have it.

    Migration 001 would then add the columns of before again.
    """
    if any(row.number is not None and row.number >= 2 for row in applied):
        return
    changed = connection.execute(
        "select from pg_attribute where attrelid = to_regclass('ops.load_batch') and attname = 'full_refresh'"
    ).fetchone()
    if changed is not None:
        raise LoadError(
            SUBJECT,
            "tabel di schema ops lebih baru daripada migrasi yang tercatat di ops.migration",
            hint="pulihkan juga ops.migration dari cadangan yang sama: pg_restore --schema=ops --table=migration",
            code="GDK-M010",
        )


def _migrate(
    connection: Connection[Any], script: Script, makes_ledger: bool, patience: locks.LockPatience
) -> None:
    """Runs a migration. If it is the warehouse's first, ops.migration is made in the same transaction."""

    def run() -> None:
        if makes_ledger:
            connection.execute(_LEDGER)
        _run(connection, script)

    try:
        locks.retry_until_locked(connection, run, patience)
    except errors.DependentObjectsStillExist as error:
        raise LoadError(
            SUBJECT,
            f"migrasi {script.name} menghapus yang masih dipakai: {first_line(error)}",
            hint="hapus view atau fungsi buatan sendiri yang memakainya, lalu jalankan lagi",
            code="GDK-M010",
        ) from error
    except (
        errors.DuplicateColumn,
        errors.DuplicateObject,
        errors.DuplicateTable,
        errors.UndefinedColumn,
        errors.UndefinedObject,
        errors.UndefinedTable,
    ) as error:
        raise LoadError(
            SUBJECT,
            f"migrasi {script.name} tidak cocok dengan tabel yang ada: {first_line(error)}",
            hint="pulihkan schema ops dan quarantine seutuhnya dari satu cadangan, dengan ops.migration",
            code="GDK-M010",
        ) from error


def _make_missing_schemas(connection: Connection[Any]) -> None:
    """Creates the schemas that somebody dropped. Nothing is lost: models and loads fill them again."""
    rows = connection.execute(
        "select name from unnest(%s::text[]) as name where to_regnamespace(name) is null", [list(SCHEMAS)]
    ).fetchall()
    for (name,) in rows:
        connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(name)))


def _refuse_missing_tables(connection: Connection[Any]) -> None:
    """Raises LoadError if a table of TABLES is missing, though the migrations that made it ran."""
    rows = connection.execute(
        "select name from unnest(%s::text[]) as name where to_regclass(name) is null", [list(TABLES)]
    ).fetchall()
    if missing := [name for (name,) in rows]:
        raise LoadError(
            SUBJECT,
            f"tabel {', '.join(missing)} tidak ada, padahal migrasi yang membuatnya sudah dijalankan",
            hint="pulihkan dari cadangan (pg_restore --schema --table), atau salin tabel kosong dari gudang data baru"
            f" (pg_dump --schema-only --table={missing[0]})",
            code="GDK-M010",
        )


def applied_scripts(connection: Connection[Any]) -> list[Applied] | None:
    """The rows of ops.migration; None if the warehouse has no such table yet."""
    if connection.execute("select to_regclass('ops.migration')").fetchone() == (None,):
        return None
    rows = connection.execute("select name, number, sha256 from ops.migration order by number").fetchall()
    return [Applied(*row) for row in rows]


def _run(connection: Connection[Any], script: Script) -> None:
    """Runs a script, and notes it in ops.migration."""
    _execute(connection, script.text.encode())
    connection.execute(
        "insert into ops.migration (name, number, sha256, version) values (%s, %s, %s, %s) on conflict (name) do update"
        " set sha256 = excluded.sha256, version = excluded.version, applied_at = clock_timestamp()",
        [script.name, script.number, script.sha256, metadata.version("gudang-data-kaltim")],
    )


def _execute(connection: Connection[Any], script: bytes) -> None:
    connection.execute(script)
