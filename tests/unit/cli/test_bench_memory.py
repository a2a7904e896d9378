"""The memory that a benchmark reports is that of all its processes."""

from __future__ import annotations

import sys

from benchmarks.memory import run_watched

HOLDS_100_MB = "import time; held = b'x' * (100 << 20); time.sleep(2); print('done')"
CHILD_HOLDS_100_MB = (
    f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLDS_100_MB!r}], check=True)"
)


def test_memory_of_child_processes_is_counted() -> None:
    out, _, status, megabytes = run_watched([sys.executable, "-c", CHILD_HOLDS_100_MB])
    assert (out.strip(), status) == ("done", 0)
    assert 100 < megabytes < 200


def test_errors_and_exit_status_of_a_failed_program_are_returned() -> None:
    _, errors, status, _ = run_watched([sys.executable, "-c", "raise SystemExit('no server')"])
    assert (errors.strip(), status) == ("no server", 1)
