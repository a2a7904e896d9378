"""Declares the commands that keep an installation: backup, restore, upgrade, prune.

Not here: the backup itself (pipelines/backup/), the migrations of the warehouse (warehouse/upgrade.py), what is deleted
(pipelines/maintenance.py).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.errors import GudangError

if TYPE_CHECKING:
    from pipelines.backup.write import Source
    from pipelines.settings import Settings

_KEEP = 7
_YES = Annotated[bool, typer.Option("--yes", "-y", help="Tanpa bertanya.")]


def backup(
    output: Annotated[
        Path | None,
        typer.Option(help="Folder cadangan, misalnya di disk lain.", show_default="GUDANG_HOME/cadangan"),
    ] = None,
    keep: Annotated[
        int, typer.Option(help="Jumlah cadangan yang disimpan; yang lebih lama dihapus.", min=1)
    ] = _KEEP,
) -> None:
    """Cadangkan kedua basis data, zona unggah, dan publikasi ke satu folder baru.

    Pemuatan boleh berjalan. Kunci pseudonim tidak ikut: simpan terpisah, karena tanpa kunci itu pseudonim orang yang
    sama berubah sesudah pemulihan. Salin cadangan ke mesin lain: di mesin yang sama ia hilang bersama mesinnya.
    """
    from pipelines.backup.folder import read_manifest
    from pipelines.backup.write import backup_folder, megabytes, write_backup
    from pipelines.runtime.environment import current_settings, prepare_environment

    settings = current_settings()
    with prepare_environment(settings, demo=False, command="backup"):
        started = time.monotonic()
        made = write_backup(_installation(settings), output or backup_folder(settings), keep=keep, say=print)
        manifest = read_manifest(made)
    print(f"Cadangan selesai: {made} ({megabytes(manifest.size)}, {time.monotonic() - started:.0f} detik)")
    for part in manifest.left_out:
        print(f"Tidak ikut: {part}")


def restore(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder satu cadangan, buatan `gudang backup`.")
    ],
    yes: _YES = False,
) -> None:
    """Pulihkan cadangan ke tempat yang kosong: basis data baru, atau GUDANG_HOME yang baru.

    Yang tidak kosong tidak disentuh. Cadangan dari versi yang lebih lama dimutakhirkan ke versi ini. Sesudahnya
    periksa dengan `gudang status`.
    """
    from pipelines.backup.folder import read_manifest
    from pipelines.backup.restore import restore_backup
    from pipelines.runtime.environment import current_settings, prepare_environment

    settings = current_settings()
    manifest = read_manifest(folder)
    if not yes:
        typer.confirm(
            f"Pulihkan cadangan {manifest.made_at:%Y-%m-%d %H:%M} UTC ke {settings.home}?", abort=True
        )
    with prepare_environment(settings, demo=False, command="restore"):
        restore_backup(_installation(settings), folder, say=print)
        _upgrade()
        for line in _other_keys():
            print(line)
    print("Dipulihkan. Periksa dengan `gudang status`.")


def upgrade(
    no_backup: Annotated[
        bool,
        typer.Option("--no-backup", help="Tanpa cadangan lebih dahulu, bila cadangan lain sudah dibuat."),
    ] = False,
) -> None:
    """Mutakhirkan basis data ke versi program ini: cadangkan, lalu migrasi Dagster, lalu migrasi gudang data.

    Jalankan sesudah pembaruan program, selagi Dagster berhenti. Boleh diulang kapan saja.
    """
    from pipelines.backup.write import backup_folder, write_backup
    from pipelines.cli.server.processes import working_with
    from pipelines.runtime.environment import DAGSTER_URL, current_settings, prepare_environment

    settings = current_settings()
    with prepare_environment(settings, demo=False) as variables:
        if working := working_with(variables[DAGSTER_URL]):
            raise GudangError(
                str(settings.home), f"sedang dipakai oleh {working}", hint="hentikan Dagster dahulu"
            )
        if not no_backup:
            made = write_backup(_installation(settings), backup_folder(settings), keep=None, say=print)
            print(f"Cadangan selesai: {made}")
        _upgrade()
    print("Dimutakhirkan. Jalankan Dagster lagi.")


def prune(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Hanya menghitung; tidak menghapus apa pun.")
    ] = False,
) -> None:
    """Hapus data yang melewati masa simpannya: log dan kejadian Dagster, catatan, karantina, unggahan, baris raw.

    Masa simpan baris raw adalah yang dijanjikan kontrak (retention); yang lain diatur dengan GUDANG_KEEP_... Job
    `pemeliharaan` di Dagster melakukannya setiap minggu.
    """
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipelines.clock import TIMEZONE
    from pipelines.maintenance import lines
    from pipelines.maintenance import prune as delete_old
    from pipelines.retention.policy import read_policy
    from pipelines.runtime.environment import DAGSTER_URL, current_settings, prepare_environment
    from pipelines.settings import load_settings

    policy = read_policy()
    with prepare_environment(current_settings(), demo=False, command="prune") as variables:
        today = datetime.now(ZoneInfo(TIMEZONE)).date()
        results = delete_old(
            load_settings(), variables[DAGSTER_URL], policy, today, "gudang prune", dry_run=dry_run
        )
    for line in lines(results, dry_run=dry_run):
        print(line)
    if not any(result.count for result in results):
        print("Tidak ada yang melewati masa simpannya.")
    if any(result.failed for result in results):
        raise typer.Exit(1)


def _upgrade() -> None:
    """Runs Dagster's migrations, and then those of the warehouse."""
    import dagster as dg

    from pipelines.runs.readiness import make_ready
    from pipelines.settings import load_settings

    with dg.DagsterInstance.get() as instance:
        instance.upgrade()
    print("Basis data Dagster mutakhir.")
    make_ready(load_settings())
    print("Gudang data mutakhir.")


def _other_keys() -> list[str]:
    """A line for each dataset whose pseudonyms were made with another key than today's."""
    from pipelines.load.pseudonyms import made_with_other_keys
    from pipelines.settings import load_settings
    from pipelines.warehouse.connection import connect

    url = load_settings().warehouse_url
    assert url is not None
    with connect(url) as connection:
        return [
            f"{dataset}: kunci pseudonim untuk {purpose} bukan lagi yang dipakai di cadangan; pasang kunci yang lama"
            for dataset, purpose in made_with_other_keys(connection)
        ]


def _installation(settings: Settings) -> Source:
    """This installation, as a source or a target of a backup. The environment must be prepared."""
    from os import environ

    from pipelines.backup.write import Source
    from pipelines.runtime.embedded import EmbeddedServer
    from pipelines.runtime.environment import DAGSTER_URL, WAREHOUSE_URL

    return Source(
        settings, EmbeddedServer(settings.home).bin_dir, environ[WAREHOUSE_URL], environ[DAGSTER_URL]
    )
