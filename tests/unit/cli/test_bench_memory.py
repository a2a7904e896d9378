"""Memory that a benchmark reports is that of all its processes."""

from __future__ import annotations

import sys

from benchmarks.memory import run_watched

HOLDS_100_MB = "import time; held = b'x' * (100 << 20); time.sleep(2); print('done')"
A_CHILD_HOLDS_IT = (
    f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLDS_100_MB!r}], check=True)"
)


def test_memory_of_a_process_below_counts() -> None:
    out, _, status, megabytes = run_watched([sys.executable, "-c", A_CHILD_HOLDS_IT])
    assert (out.strip(), status) == ("done", 0)
    assert 100 < megabytes < 200


def test_what_a_program_says_while_it_fails_is_given_back() -> None:
    _, errors, status, _ = run_watched([sys.executable, "-c", "raise SystemExit('no server')"])
    assert (errors.strip(), status) == ("no server", 1)
