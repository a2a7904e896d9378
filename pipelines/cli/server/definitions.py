"""Lets Dagster read contracts, suites and models anew when they change, unless the changed files have a fault.

What belongs here: watching the files, the check of what changed, `gudang code-server`. Not here: the call that reloads
(runs/reload.py), what `gudang health` says (health/definitions.py), the sensor that names what changed
(sensors/changed_files.py).

Check and reload are processes of their own: this one stays small, and has no module that was read before the change.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.server.inner_server import InnerServer
from pipelines.cli.server.processes import run_to_its_end
from pipelines.redaction.secrets import shown

if TYPE_CHECKING:
    from pipelines.settings import Settings

LOCATION = "gudang-data-kaltim"
LOOK_SECONDS = 3.0
"""How often the files are looked at. Files that differ from the look before are still being written."""
RETRY_LOOKS = 20
"""After so many looks a check or a reload that failed is tried again."""
_SHOWN = 5


def code_server(
    socket: Annotated[
        Path, typer.Option(help="Soket yang dipakai halaman web dan daemon.", show_default=False)
    ],
) -> None:
    """Jalankan code server Dagster di server, di latar depan; kontrak, suite, dan model yang berubah dibaca lagi.

    Berkas yang salah tidak dibaca: definisi yang lama tetap dipakai, dan `gudang health` menyebut berkas dan barisnya.
    """
    from pipelines.datasets import digests
    from pipelines.runtime.environment import current_settings, prepare_environment
    from pipelines.settings import load_settings

    command = [
        sys.executable, "-m", "dagster", "code-server", "start", "-m", "pipelines.definitions", "-s", str(socket),
        "--location-name", LOCATION,
    ]  # fmt: skip
    with prepare_environment(current_settings(), command="code-server"):
        settings = load_settings()
        say = partial(print, file=sys.stderr, flush=True)
        with watched(settings, socket, digests(settings), say):
            raise typer.Exit(run_to_its_end(command, dict(os.environ)))


@contextmanager
def watched(
    settings: Settings, socket: Path, known: Mapping[str, str], say: Callable[[str], object]
) -> Iterator[None]:
    """Lets the code server at `socket` read the files of `settings` anew whenever they change in this context.

    A code server that has lost the process with the definitions is ended.

    known: the files that it has read, or is about to read. say: takes a sentence for the operator.
    """
    from pipelines.datasets import digests
    from pipelines.health.definitions import forget_faults, note_faults

    forget_faults(settings.home)
    stop = threading.Event()
    look, inner = Look(known, partial(faults_of, settings), partial(_reload, settings, socket)), InnerServer()

    def watch() -> None:
        said = ""
        while not stop.wait(LOOK_SECONDS):
            try:
                if line := inner.look():
                    say(line)
                if line := look.at(digests(settings)):
                    say(shown(line))
                    if look.faults:
                        note_faults(settings.home, look.faults, datetime.now(UTC))
                if not look.faults:
                    forget_faults(settings.home)
            except (
                Exception
            ) as error:  # a disk that is full, a folder without rights: the next look may succeed
                line = f"Berkas belum dapat dilihat, dan dilihat lagi: {type(error).__name__}"
                if line != said:
                    say(line)
                said = line
            else:
                said = ""

    threading.Thread(target=watch, name="definitions", daemon=True).start()
    try:
        yield
    finally:
        stop.set()


@dataclass(slots=True)
class Look:
    """Decides at each look at the files what is to be done.

    known: the files of the definitions in use, by path with their hashes. check: gives the faults of files that have
    changed, None if it could not look. reload: reads the definitions anew, and gives why it could not, or "". faults:
    of the files that were refused at last.
    """

    known: Mapping[str, str]
    check: Callable[[Collection[str]], list[str] | None]
    reload: Callable[[], str]
    faults: list[str] = field(default_factory=list[str])
    _before: Mapping[str, str] | None = None
    _done: Mapping[str, str] | None = None
    _looks: int = 0

    def at(self, now: Mapping[str, str]) -> str:
        """Looks at the files as they are now; gives a line for the operator, "" if nothing is to be said."""
        settled, self._before = now == self._before, now
        self._looks -= 1
        if now == self.known:
            self.faults = []
            return ""
        if not settled or (now == self._done and self._looks != 0):
            return ""
        changed = sorted(
            path for path in self.known.keys() | now.keys() if self.known.get(path) != now.get(path)
        )
        self._done, found = now, self.check(changed)
        if found is None:
            self._looks = RETRY_LOOKS
            return "Berkas yang berubah belum dapat diperiksa, dan diperiksa lagi: lihat log proses ini"
        self.faults = found
        if self.faults:
            return (
                f"Definisi lama tetap dipakai, karena berkas yang berubah salah: {_listed(self.faults, '; ')}"
            )
        if why := self.reload():
            self._looks = RETRY_LOOKS
            return f"Definisi belum dapat dibaca lagi, dan dicoba lagi: {why}"
        self.known = now
        return f"Definisi dibaca lagi, {len(changed)} berkas berubah: {_listed(changed, ', ')}"


def faults_of(settings: Settings, changed: Collection[str]) -> list[str] | None:
    """The faults of changed files that would take something out of the definitions, each with file and line.

    A fault that was there before, of a file that did not change, is not named: Dagster shows it already. Gives None if
    the process that looks ends without an answer, as when it is killed.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps([*changed]), cwd=settings.project, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    return None if done.returncode or not lines else [*map(str, json.loads(lines[-1]))]


def _reload(settings: Settings, socket: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.runs.reload", str(socket)],
        cwd=settings.project, check=False,
    )  # fmt: skip
    return "lihat log proses ini" if done.returncode else ""


def _listed(items: Collection[str], between: str) -> str:
    more = f" dan {len(items) - _SHOWN} lagi" if len(items) > _SHOWN else ""
    return between.join([*items][:_SHOWN]) + more


def _print_faults(changed: Collection[str]) -> None:
    """Prints the faults of the project as it is now, as a list in JSON."""
    import dagster as dg

    from pipelines.datasets import name_of
    from pipelines.definitions import defs, project_files
    from pipelines.errors import GudangError
    from pipelines.models.project.nodes import Project
    from pipelines.publication.mart import open_marts
    from pipelines.settings import load_settings

    settings, models = load_settings(), project_files.models
    faults: list[str] = []
    for dataset in project_files.datasets.set_aside:
        if {name_of(dataset.path, settings), *(name_of(f.path, settings) for f in dataset.faults)} & {
            *changed
        }:
            faults += dataset.describe()
    of_models = [name_of(folder, settings) for folder in (settings.models_dir, settings.expectations_dir)]
    if any(path.startswith(f"{folder}/") for path in changed for folder in of_models):
        try:
            if not isinstance(models, Project):
                raise models
            open_marts(models)
        except GudangError as error:
            faults.append(str(error))
    try:
        dg.Definitions.validate_loadable(defs)
    except dg.DagsterError as error:
        name = type(error).__name__
        faults.append(
            f"Dagster tidak dapat memakai definisi yang baru ({name}); `gudang run dg check defs` menyebut sebabnya"
        )
    print(json.dumps(faults))


if __name__ == "__main__":
    _print_faults(json.loads(sys.stdin.read()))
