"""How long things are kept, as a value that the environment can change.

What belongs here: the names of the variables and the defaults. Not here: what is deleted (tables.py, uploads.py, and
runs/prune.py for Dagster's own database). How long rows of a dataset are kept is said by its contract (raw.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from pipelines.errors import GudangError

PREFIX = "GUDANG_KEEP_"
_LONGEST = 36_500
"""Days, 100 years. So long before today there is still a date in PostgreSQL and in Python."""


@dataclass(frozen=True, slots=True)
class Policy:
    """After how many days things may be deleted.

    events: Dagster's events that belong to no asset, and compute logs. checks: results of checks and model runs that a
    newer one follows. loads: records of loads that changed nothing. quarantine: refused rows that are resolved.
    uploads: files that a newer one has replaced. feedback: what OPD were told of loads, once it is over.
    """

    events: int = 90
    checks: int = 400
    loads: int = 400
    quarantine: int = 180
    uploads: int = 365
    feedback: int = 180


def read_policy(env: Mapping[str, str] = os.environ) -> Policy:
    """The policy of the environment: GUDANG_KEEP_EVENTS and so on, in days.

    Raises GudangError for what is not a whole number from 1 to 36,500.
    """
    found: dict[str, int] = {}
    for field in fields(Policy):
        name = PREFIX + field.name.upper()
        if text := env.get(name):
            if not re.fullmatch("[0-9]{1,6}", text) or not 1 <= int(text) <= _LONGEST:
                hint = f"isi dengan bilangan bulat dari 1 sampai {_LONGEST}"
                raise GudangError(name, f"{text!r} bukan jumlah hari", hint=hint)
            found[field.name] = int(text)
    return Policy(**found)
