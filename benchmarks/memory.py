"""Peak memory of a program and of every process below it.

What belongs here: looking at /proc from outside. Not here: what a case is (cases.py), comparing (__main__.py).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

PAUSE_S = 0.05
MEGABYTE = 1 << 20
PAGE = os.sysconf("SC_PAGE_SIZE")


def run_watched(command: Sequence[str]) -> tuple[str, str, int, float]:
    """Output, errors, exit status, and the most memory that the processes held together, in MB.

    Resident pages are counted, shared ones for each process: counting them once (PSS) would slow the program down. They
    are counted every 50 ms, so that a shorter peak is missed.
    """
    peak, before = 0, set[int]()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while True:
            try:
                out, err = process.communicate(timeout=PAUSE_S)
                return out, err, process.returncode, peak / MEGABYTE
            except subprocess.TimeoutExpired:
                # A process counts from the second time on: before it runs its program, it has its parent's pages.
                now = set(_tree(process.pid))
                peak, before = max(peak, sum(map(_rss, now & before))), now


def _tree(pid: int) -> list[int]:
    """The process and its descendants; one that ends meanwhile is left out."""
    found = [pid]
    for one in found:
        try:
            for thread in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (thread / "children").read_text(encoding="ascii").split())
        except OSError:
            continue
    return found


def _rss(pid: int) -> int:
    """The resident bytes of a process, 0 if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE
    except OSError:
        return 0
