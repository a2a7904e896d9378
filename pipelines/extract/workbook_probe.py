"""Run as a program: opens the workbook on its standard input with calamine, in little memory, and ends.

What belongs here: dying in the reader's place (workbook_guard.py starts it and looks how it ended). Not here: anything
of the house; it must start fast. A damaged .xls sends calamine round in circles, two cells in far corners make it ask
for hundreds of gigabytes: both end the process that reads, and here that is this one.
"""

from __future__ import annotations

import io
import os
import resource
import sys

from python_calamine import CalamineError, CalamineWorkbook

_CHUNK = 1 << 20


def main(memory: int, seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    content = io.BytesIO()
    # By position: the descriptor, and where it stands, is shared with who started this.
    while chunk := os.pread(0, _CHUNK, content.tell()):
        content.write(chunk)
    content.seek(0)
    try:
        workbook = CalamineWorkbook.from_filelike(content)
    except (CalamineError, OSError, ValueError):
        return  # an error is an answer; who started this gets the same one
    for name in workbook.sheet_names:
        try:
            workbook.get_sheet_by_name(name)
        except (CalamineError, OSError, ValueError):
            continue


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
