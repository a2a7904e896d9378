"""Cases of a night: the first night of the demo, against its work alone, and one with nothing new, against the imports.

What belongs here: the homes, and the cases. A night is the command `gudang nightly` as a process of its own. Not here:
the work without Dagster (night_work.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.target import Figures, figures
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.settings import Settings

_QUIET_NIGHTS = 2
"""After the first night, an incremental model is built once more; the night after that has nothing to build."""


def environment(settings: Settings, home: Path) -> dict[str, str]:
    """The environment of a command that works in `home`, with nothing else configured."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GUDANG_", "DAGSTER_"))}
    own = {
        "GUDANG_HOME": str(home),
        "GUDANG_PROJECT": str(settings.project),
        "GUDANG_PSEUDONYM_KEY": "k" * 64,
    }
    return env | own | {"PYTHONPATH": str(Path(__file__).parents[1])}


def command(settings: Settings, home: Path, *arguments: str) -> None:
    """Runs Python with these arguments in `home`, and raises CalledProcessError if it fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=settings.project, env=environment(settings, home), check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        print(done.stdout[-3000:], done.stderr[-3000:], file=sys.stderr)
        done.check_returncode()


def gudang(settings: Settings, home: Path, *arguments: str) -> None:
    """Runs `gudang` with these arguments in `home`."""
    command(settings, home, "-m", "pipelines.cli.main", *arguments)


@contextmanager
def fresh_home(settings: Settings, name: str) -> Iterator[Path]:
    """An empty home, which is deleted after the case."""
    home = Path(os.environ["BENCH_FOLDER"]) / name
    try:
        yield home
    finally:
        gudang(settings, home, "stop")
        shutil.rmtree(home, ignore_errors=True)


def limit_night(settings: Settings, _: int) -> Figures:
    """The imports of a night, and reading the project."""
    start = time.perf_counter()
    command(settings, settings.home, "-c", "import pipelines.nightly")
    return figures(start)


def gudang_night(settings: Settings, _: int) -> Figures:
    """A night with nothing new. The nights before it, and the start of the server, are not counted."""
    home = Path(os.environ["BENCH_FOLDER"]) / "malam"
    fresh = not home.exists()
    try:
        for _night in range(1 + _QUIET_NIGHTS if fresh else 0):
            gudang(settings, home, "nightly")
        EmbeddedServer(home).ensure()
        start = time.perf_counter()
        gudang(settings, home, "nightly")
        return figures(start)
    finally:
        gudang(settings, home, "stop")


def limit_first(settings: Settings, _: int) -> Figures:
    """All loads, models and files of the first night, without Dagster. The demo's sources are made before."""
    with fresh_home(settings, "kerja") as home:
        gudang(settings, home, "run", "true")
        start = time.perf_counter()
        gudang(settings, home, "run", sys.executable, "-m", "benchmarks.night_work")
        return figures(start)


def gudang_first(settings: Settings, _: int) -> Figures:
    """The same by `gudang nightly`."""
    with fresh_home(settings, "pertama") as home:
        gudang(settings, home, "run", "true")
        start = time.perf_counter()
        gudang(settings, home, "nightly")
        return figures(start)


def gudang_first_with_demo(settings: Settings, _: int) -> Figures:
    """The first night of an empty folder: also the server, and the demo's databases and files."""
    with fresh_home(settings, "pertama_kali") as home:
        start = time.perf_counter()
        gudang(settings, home, "nightly")
        return figures(start)
