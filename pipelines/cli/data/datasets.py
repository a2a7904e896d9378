"""Declares the commands about datasets: upload, status, validate.

Not here: where an uploaded file goes (extract/upload/), status.py, validate.py: what the commands ask.
"""

from __future__ import annotations

import json
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer

from pipelines.errors import GudangError
from pipelines.redaction.secrets import shown
from pipelines.suggest import did_you_mean

_BEFORE = {
    None: "",
    True: " (isinya sama dengan berkas yang sudah ada: tidak ada yang baru)",
    False: " (menggantikan berkas bernama sama yang isinya lain: koreksi)",
}
"""The text about an uploaded file. True: the zone had a file with this name and the same bytes; None: it had none."""


def upload(
    dataset: Annotated[
        str, typer.Argument(metavar="OPD/DATASET", help="Dataset yang mana, misalnya samarinda/penduduk.")
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="BERKAS...", help="Berkas-berkasnya, seperti dikirim OPD.", exists=True, dir_okay=False
        ),
    ],
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Hanya hitung yang akan baru, berubah, sama, dan dikarantina; tidak ada yang diubah.",
        ),
    ] = False,
) -> None:
    """Letakkan berkas di zona unggah, seperti dilakukan OPD.

    Bila `gudang ui` terbuka, sensor unggahan memuatnya dalam setengah menit; bila tidak, malam berikutnya. Isi yang
    sama hanya dimuat sekali; nama yang sama dengan isi lain adalah koreksi. Tidak ada yang diletakkan bila satu berkas
    saja tidak cocok.

    Dengan --dry-run kode keluar 1 berarti: dari salah satu berkas tidak ada yang akan dimuat.
    """
    from pipelines.contracts.upload import FileExtract
    from pipelines.datasets import read_datasets
    from pipelines.extract.upload.files import has_same_bytes, put_upload
    from pipelines.extract.upload.zone import upload_zone
    from pipelines.runtime.environment import close_zone, current_settings, warehouse_url
    from pipelines.runtime.home import make_home
    from pipelines.warehouse.connection import connect

    settings = current_settings()
    datasets = read_datasets(settings)
    uploads = {c.key: c for c in datasets.contracts if isinstance(c.extract, FileExtract)}
    if faulty := [s for s in datasets.set_aside if s.key == dataset]:
        raise GudangError(dataset, "; ".join(faulty[0].describe()), hint="`gudang validate`")
    if dataset not in uploads:
        hint = did_you_mean(dataset, uploads) or f"yang menerima unggahan: {', '.join(uploads)}"
        raise GudangError(dataset, "tidak ada kontrak yang menerima unggahan untuk dataset ini", hint=hint)
    if dry_run:
        from pipelines.cli.data.preview import print_previews

        with connect(warehouse_url()) as connection:
            all_good = print_previews(connection, uploads[dataset], settings, files)
        raise typer.Exit(0 if all_good else 1)
    extract = uploads[dataset].extract
    assert isinstance(extract, FileExtract)
    _refuse_misnamed(dataset, files, extract.pattern)
    make_home(settings.home)
    close_zone(settings)
    for file in files:
        before = has_same_bytes(upload_zone(settings), dataset, file)
        place = put_upload(upload_zone(settings), dataset, file)
        print(shown(f"{file.name} -> {place}{_BEFORE[before]}"))
    print("Sensor unggahan memuatnya bila `gudang ui` terbuka; bila tidak, `gudang nightly` berikutnya.")
    print("Sesudah itu `gudang status` menunjukkan berapa baris yang dimuat dan berapa yang dikarantina.")


def _refuse_misnamed(dataset: str, files: list[Path], pattern: str) -> None:
    unmatched = [file.name for file in files if not fnmatchcase(file.name.lower(), pattern.lower())]
    if unmatched:
        raise GudangError(
            dataset,
            f"{', '.join(unmatched)} tidak akan ditemukan; tidak ada berkas yang diletakkan",
            hint=f"nama berkas dataset ini: {pattern}",
        )
    names = [file.name for file in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise GudangError(
            dataset,
            f"{', '.join(twice)} disebut ganda; tidak ada berkas yang diletakkan",
            hint="sebut tiap nama sekali",
        )


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Satu daftar JSON, untuk program.")] = False,
) -> None:
    """Tampilkan pemuatan dan pemeriksaan terakhir tiap dataset, dan berkas di zona unggah yang tidak diambil.

    Juga kabar yang belum terkirim. Dengan --json, selain dataset ditulis ke standard error.
    """
    from pipelines.cli.data.status import (
        dataset_status,
        failed_feedback_lines,
        not_taken,
        undelivered_alerts,
        waiting_lines,
        with_set_aside,
    )
    from pipelines.cli.data.status_table import print_status
    from pipelines.contracts.files import contract_keys
    from pipelines.datasets import read_datasets
    from pipelines.runtime.environment import current_settings, warehouse_url

    settings = current_settings()
    datasets = read_datasets(settings)
    url = warehouse_url()
    rows = dataset_status(url, contract_keys(settings.contracts_dir))
    rows = with_set_aside(rows, datasets)
    if as_json:
        print(json.dumps(rows, default=str, indent=2))
    elif rows:
        print_status(rows)
    else:
        print("Belum ada dataset yang dimuat: `gudang nightly` menjalankan malam pertama.")
    out = sys.stderr if as_json else sys.stdout
    if waiting := waiting_lines(url, contract_keys(settings.contracts_dir)):
        print(
            "Menunggu persetujuan (`gudang approve`):",
            *(shown(f"  {line}") for line in waiting),
            sep="\n",
            file=out,
        )
    if unsent := undelivered_alerts(url):
        print("Kabar:", *(shown(f"  {line}") for line in unsent), sep="\n", file=out)
    if failed := failed_feedback_lines(url):
        print("Umpan balik kepada OPD:", *(shown(f"  {line}") for line in failed), sep="\n", file=out)
    if left := not_taken(settings, datasets):
        print("Di zona unggah, tidak diambil:", *(shown(f"  {line}") for line in left), sep="\n", file=out)


def validate(
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Tulis dahulu dbt_like_sql/models/sources.yml dari kontrak."),
    ] = False,
) -> None:
    """Periksa kontrak, ekspektasi, dan model tanpa menyentuh sumber atau gudang data.

    Mencetak `berkas:baris: pesan (saran)` untuk tiap kesalahan; kode keluar 1 bila ada.
    """
    from pipelines.cli.data.validate import renew_sources
    from pipelines.cli.data.validate import validate as find_faults
    from pipelines.runtime.environment import current_settings

    settings = current_settings()
    if fix:
        renew_sources(settings)
    faults = find_faults(settings)
    for fault in faults:
        hint = f" ({fault.hint})" if fault.hint else ""
        print(shown(f"{_from_here(fault.path)}:{fault.line}: {fault.message}{hint}"))
    if faults:
        raise typer.Exit(1)
    print("Tidak ada kesalahan.")


def _from_here(path: Path) -> Path:
    here = Path.cwd()
    return Path(path).relative_to(here) if Path(path).is_relative_to(here) else Path(path)
