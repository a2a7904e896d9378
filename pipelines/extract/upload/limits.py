"""How much one upload may cost: bytes, memory, seconds.

What belongs here: the limits as one value, so that a test passes smaller ones in. Not here: keeping them (archive.py,
json_file.py, workbook/process.py).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one upload may cost at most.

    unpacked: bytes that a ZIP's member or a .gz may unpack to.
    growth: times its packed size that it may unpack to, once more than `ungrown` bytes have come out; the sheets that
    Excel writes reach about 100.
    directory: bytes of a ZIP's list of members, which Python holds in memory.
    package: bytes that all parts of a workbook may unpack to; they are held in memory.
    memory: bytes in which calamine must be able to open any one sheet of a workbook. Not enforced on macOS.
    seconds: of processor time that the process may take that reads a workbook.
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
