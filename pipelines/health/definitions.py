"""The check of Dagster's definitions: whether changed contracts, suites or models were refused because of a fault.

Whoever watches the files notes it here (cli/server/definitions.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pipelines.health.check import Check, span
from pipelines.health.limits import OK, WARNING
from pipelines.health.place import Place

NOTE = "definisi.json"
"""The file in GUDANG_HOME with the faults of the files that Dagster does not read; there is none while all is well."""


def note_faults(home: Path, faults: Sequence[str], since: datetime) -> None:
    """Notes why the definitions in use are older than the files. faults: each with file and line. since: with zone."""
    aside = home / f".{NOTE}.sementara"
    aside.write_text(json.dumps({"sejak": since.isoformat(), "kesalahan": [*faults]}), "utf-8")
    aside.replace(home / NOTE)


def forget_faults(home: Path) -> None:
    """Notes that the definitions in use are those of the files."""
    (home / NOTE).unlink(missing_ok=True)


def definitions(place: Place) -> Check:
    """Warns while the definitions in use are older than the files because these have a fault."""
    name, todo = "definisi", "perbaiki berkas itu; Dagster memakai definisi yang lama sampai berkasnya benar"
    try:
        noted = json.loads((place.settings.home / NOTE).read_text("utf-8"))
        faults = [str(fault) for fault in noted["kesalahan"]]
        seconds = (place.now() - datetime.fromisoformat(noted["sejak"])).total_seconds()
    except FileNotFoundError:
        return Check(name, OK, "tidak ada berkas salah yang ditolak", "", 0, "faults")
    except (OSError, ValueError, LookupError, TypeError):
        return Check(
            name, WARNING, f"{place.settings.home / NOTE} tidak terbaca", "beri pengguna ini hak baca"
        )
    more = f", dan {len(faults) - 1} lagi" if len(faults) > 1 else ""
    seen = f"berkas yang berubah ditolak sejak {span(seconds)} lalu: {faults[0]}{more}"
    return Check(name, WARNING, seen, todo, len(faults), "faults")
