"""A clock that can be set forward for the processes that are started with it, by a small C library (clock.c).

What belongs here: building the library, jumps of the clock, converting its times. Not here: when it jumps (month.py).
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import time
from bisect import bisect_right
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pipelines.clock import TIMEZONE

_SIZE = 65_536
"""Bytes of the file with the jumps, as clock.c maps it."""
ZONE = ZoneInfo(TIMEZONE)


class Clock:
    """The clock; it begins at the time of the machine. Our own process keeps the machine's clock.

    folder: for the library and the file with the jumps; other users must be able to read it.
    """

    def __init__(self, folder: Path) -> None:
        self._file, library = folder / "clock.jumps", folder / "clock.so"
        self._file.write_bytes(bytes(_SIZE))
        self._file.chmod(0o644)
        self._jumps = [(0, 0)]
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(library), "GUDANG_CLOCK": str(self._file)}

    @staticmethod
    def missing() -> str | None:
        """Why there can be no such clock here, or None."""
        return (
            None
            if shutil.which("cc")
            else "no C compiler is installed (on Debian: apt install gcc libc6-dev)"
        )

    def now(self) -> datetime:
        """The time that the clock shows, in WITA."""
        return datetime.fromtimestamp(time.time() + self._jumps[-1][1] / 1e9, ZONE)

    def advance(self, by: timedelta) -> None:
        """Sets the clock forward."""
        assert by > timedelta(0)
        at, ahead = time.time_ns(), self._jumps[-1][1] + int(by.total_seconds() * 1e9)
        self._jumps.append((at, ahead))
        with self._file.open("r+b") as file:
            file.seek(8 + 16 * (len(self._jumps) - 2))
            file.write(struct.pack("<qq", at, ahead))
            file.flush()
            file.seek(0)
            file.write(struct.pack("<q", len(self._jumps) - 1))

    def advance_to(self, hour: int) -> None:
        """Sets the clock forward to the next time that it is `hour` o'clock; the seconds stay."""
        now = self.now()
        then = now.replace(hour=hour, minute=0)
        self.advance((then if then > now else then + timedelta(days=1)) - now)

    def machine_time(self, shown: datetime | float) -> float:
        """What the machine's clock showed when ours showed `shown`, in seconds since the epoch.

        A time that was jumped over is the time of the jump.
        """
        seconds = shown.timestamp() if isinstance(shown, datetime) else shown
        begins = [(at + ahead) / 1e9 for at, ahead in self._jumps]
        at, ahead = self._jumps[max(0, bisect_right(begins, seconds) - 1)]
        following = [later for later, _ in self._jumps if later > at]
        real = seconds - ahead / 1e9
        return min(real, following[0] / 1e9) if following else real
