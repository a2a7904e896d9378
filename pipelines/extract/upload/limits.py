"""Says how many bytes, how much memory and how many seconds one upload may need.

What belongs here: the limits as one value, so that a test passes smaller ones in. Not here: enforcing them (archive.py,
json_file.py, workbook/program.py).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one upload may need.

    unpacked: bytes of a ZIP's member or a .gz after unpacking.
    growth: how many times larger than its packed size it may become. This is checked when it has more than `ungrown`
    bytes. The sheets that Excel writes become about 100 times larger.
    directory: bytes of a ZIP's list of members, which Python holds in memory.
    package: bytes of all parts of a workbook after unpacking; they are held in memory.
    memory: bytes of memory of the process that reads a workbook, one sheet at a time. Not enforced on macOS.
    seconds: processor time of the process that reads a workbook.
    json_window: characters of a JSON text that are read at a time.
    """

    unpacked: int = 4 << 30
    growth: int = 250
    ungrown: int = 64 << 20
    directory: int = 16 << 20
    package: int = 1 << 30
    memory: int = 3 << 30
    seconds: int = 300
    json_window: int = 1 << 18


LIMITS = Limits()
