"""Cases of a night: the demo night, and one with nothing new, against the imports that every night needs.

What belongs here: the homes, and the cases. A night is the command `gudang nightly` as a process of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.target import Figures, figures
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.settings import Settings

_QUIET_NIGHTS = 2
"""After the first night, an incremental model is built once more; the night after that has nothing to build."""


def _command(settings: Settings, home: Path, *arguments: str) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GUDANG_", "DAGSTER_"))}
    env |= {"GUDANG_HOME": str(home), "GUDANG_PROJECT": str(settings.project)}
    subprocess.run(
        [sys.executable, *arguments], cwd=settings.project, env=env, check=True, capture_output=True
    )


def _gudang(settings: Settings, home: Path, command: str) -> None:
    _command(settings, home, "-m", "pipelines.cli.main", command)


def limit_night(settings: Settings, _: int) -> Figures:
    """The imports of a night, and reading the project."""
    start = time.perf_counter()
    _command(settings, settings.home, "-c", "import pipelines.nightly")
    return figures(start)


def gudang_night(settings: Settings, _: int) -> Figures:
    """A night with nothing new. The nights before it, and the start of the server, are not counted."""
    home = Path(os.environ["BENCH_FOLDER"]) / "malam"
    fresh = not home.exists()
    try:
        for _night in range(1 + _QUIET_NIGHTS if fresh else 0):
            _gudang(settings, home, "nightly")
        EmbeddedServer(home).ensure()
        start = time.perf_counter()
        _gudang(settings, home, "nightly")
        return figures(start)
    finally:
        _gudang(settings, home, "stop")


def gudang_night_first(settings: Settings, _: int) -> Figures:
    """The first demo night, with making the demo's databases."""
    home = Path(os.environ["BENCH_FOLDER"]) / "malam_pertama"
    try:
        start = time.perf_counter()
        _gudang(settings, home, "nightly")
        return figures(start)
    finally:
        _gudang(settings, home, "stop")
        shutil.rmtree(home, ignore_errors=True)
