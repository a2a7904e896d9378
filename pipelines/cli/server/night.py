"""Declares the commands that use Dagster: nightly, reload, ui, prepare, run.

Not here: the steps of a night (pipelines/nightly.py), starting the servers that it needs (runtime/environment.py).
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.server.definitions import watched
from pipelines.cli.server.loket import run_loket
from pipelines.cli.server.processes import refuse_open, refuse_taken, run_to_its_end
from pipelines.cli.server.services import dagster_commands, keep_services
from pipelines.errors import GudangError


def nightly() -> None:
    """Jalankan pekerjaan satu malam: semua sumber dimuat, semua model dibangun, semua publikasi diterbitkan.

    Rangkaian run-nya sama dengan jadwal malam. Kode keluar 1 bila ada dataset, model, atau publikasi yang gagal; yang
    lain tetap dikerjakan, dan `gudang status` menunjukkan mana yang gagal.
    """
    from pipelines.runtime.environment import current_settings, prepare_environment
    from pipelines.settings import load_settings

    with prepare_environment(current_settings(), command="nightly"):
        # The module reads the project when it is imported, so the environment must be prepared before.
        with _kept_for_ever():
            from pipelines.nightly import walk

        raise typer.Exit(walk(load_settings()))


def reload(
    dataset: Annotated[
        str, typer.Argument(metavar="OPD/DATASET", help="Dataset yang mana, misalnya bapenda/pembayaran_pkb.")
    ],
) -> None:
    """Muat ulang penuh satu dataset, termasuk yang sudah pernah dibaca; barisnya di raw diganti isi sumber.

    Untuk kontrak yang kolomnya berubah, kunci pseudonim yang baru, atau baris lama yang diperbaiki. Riwayat dataset
    yang menyimpan versi tetap ada. Kode keluar 1 bila pemuatan gagal; yang sudah diterapkan sebelumnya tetap ada.
    """
    from pipelines.runtime.environment import current_settings, prepare_environment
    from pipelines.settings import load_settings

    with prepare_environment(current_settings(), command=f"reload {dataset}"):
        with _kept_for_ever():
            from pipelines.nightly import reload as load_all_of_it

        raise typer.Exit(load_all_of_it(load_settings(), dataset))


def ui(
    port: Annotated[int, typer.Option(help="Port halaman web.", min=1, max=65535)] = 3000,
    host: Annotated[
        str,
        typer.Option(
            help="Alamat tempat halaman web dibuka. Ia tanpa login: biarkan hanya di mesin ini, atau pasang proxy"
            " di depannya."
        ),
    ] = "127.0.0.1",
    i_know: Annotated[
        bool,
        typer.Option("--i-know", help="Buka juga untuk mesin lain, tanpa login, atas tanggungan sendiri."),
    ] = False,
) -> None:
    """Buka Dagster: halaman web, jadwal, dan sensor, di latar depan sampai Ctrl-C.

    Loket unggah untuk OPD dibuka di sampingnya, selalu hanya di mesin ini.
    """
    from pipelines.datasets import digests
    from pipelines.loket.users import USERS_FILE
    from pipelines.runs.readiness import close_dead_runs, make_ready
    from pipelines.runtime.demo import demo_variables
    from pipelines.runtime.dictionary_server import DictionaryServer
    from pipelines.runtime.environment import current_settings, prepare_environment
    from pipelines.settings import DICTIONARY_URL, load_settings

    if not i_know:
        refuse_open(host)
    settings = current_settings()
    refuse_taken(host, port)
    is_demo = bool(demo_variables(settings, os.environ))
    with prepare_environment(settings, command="ui"), ExitStack() as stack:
        make_ready(load_settings())
        close_dead_runs(print)
        print(
            f"Dagster dibuka di http://{host}:{port} dalam beberapa detik; Ctrl-C menghentikannya.",
            flush=True,
        )
        dictionary = DictionaryServer(settings.dictionary_dir, host, port + 1)
        # The pages of Dagster link to it.
        os.environ.setdefault(DICTIONARY_URL, dictionary.url)
        signal.signal(signal.SIGTERM, end_once)
        dictionary.start()
        stack.callback(dictionary.close)
        if is_demo or os.environ.get(USERS_FILE):
            stack.enter_context(run_loket(port + 2, settings.home / "loket.log", demo=is_demo))
        commands, socket = stack.enter_context(dagster_commands(host, port))
        say = partial(print, file=sys.stderr, flush=True)
        project = load_settings()
        stack.enter_context(watched(project, socket, digests(project), say))
        services = keep_services(commands, settings.project, say, first_makes=socket)
        stack.enter_context(services).wait()
    raise GudangError("Dagster", "tidak dapat dijalankan", hint="sebabnya ada pada baris-baris di atas")


def prepare() -> None:
    """Siapkan gudang data untuk proses Dagster yang dijalankan sendiri-sendiri: code server, webserver, dan daemon.

    Tabel, fungsi, dan data acuan dibuat menurut versi ini; basis data Dagster disetel ke UTC; run yang prosesnya sudah
    tidak ada ditutup. `gudang ui` dan `gudang nightly` melakukannya sendiri. Boleh diulang kapan saja, dan perlu
    dijalankan sesudah pembaruan.
    """
    from pipelines.runs.readiness import close_dead_runs, make_ready
    from pipelines.runtime.environment import current_settings, prepare_environment
    from pipelines.settings import load_settings

    with prepare_environment(current_settings(), demo=False, command="prepare"):
        make_ready(load_settings())
        close_dead_runs(print)
        print(f"Siap. DAGSTER_HOME: {os.environ['DAGSTER_HOME']}")


def run(context: typer.Context) -> None:
    """Jalankan perintah lain di lingkungan ini, juga milik Dagster: gudang run dg launch --assets "raw/dinkes/*"."""
    from pipelines.runtime.environment import current_settings, prepare_environment

    if not context.args:
        raise typer.BadParameter("perintahnya belum disebut, misalnya: gudang run dg list defs", context)
    if context.args[:2] == ["dg", "scaffold"]:
        raise GudangError(
            "dg scaffold",
            "asset proyek ini dibuat dari kontrak dan model SQL, bukan dari komponen Dagster",
            hint="caranya di docs/add-a-dataset.md dan docs/models.md",
        )
    settings = current_settings()
    with prepare_environment(settings, command=f"run {context.args[0]}"):
        own = str(Path(sys.executable).parent)
        env = {
            **os.environ,
            "PATH": os.pathsep.join((own, os.environ.get("PATH", os.defpath))),
            "VIRTUAL_ENV": sys.prefix,
        }
        program = shutil.which(context.args[0], path=env["PATH"])
        if program is None:
            raise GudangError(
                context.args[0], "perintah ini tidak ada", hint=f"dicari di {own} dan di folder-folder PATH"
            )
        raise typer.Exit(run_to_its_end([program, *context.args[1:]], env))


@contextmanager
def _kept_for_ever() -> Iterator[None]:
    """Lets Python's garbage collector look neither now nor later at what is imported inside of this context.

    Modules, contracts and models are 400,000 objects that live as long as the process. To look through them again and
    again while they are made is a quarter of the import's time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def end_once(number: int, _frame: object) -> None:
    """A handler that ends this process in order. A second signal of the kind does not disturb the end."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)
