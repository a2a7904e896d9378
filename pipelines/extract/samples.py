"""Whether a source is made up: one of the demo OPD that stand in where an installation has no source of its own.

What belongs here: telling made-up sources from real ones, one by one, so that figures made of them can say so. Not
here: starting the demo (runtime/environment.py), what is marked (load/standing.py, publish/).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.contracts.model import Contract
from pipelines.settings import load_settings, references

SOURCES = "GUDANG_CONTOH_SUMBER"
"""Names of the variables that the demo set, with commas between them."""
FOUND = "data_contoh"
"""The word in the ledger's `found` of a load whose source is made up."""


def hash_list(home: Path) -> Path:
    """The file with the SHA-256 of each upload that the demo has written here, one a line."""
    return home / "demo" / "files"


def is_sample(contract: Contract, sha256: str | None, env: Mapping[str, str]) -> bool:
    """sha256: of an upload's content; other sources are known by the variables in their location.

    A file of the demo stays one, also where the demo does not run any more.
    """
    if sha256 is not None:
        path = hash_list(load_settings(env).home)
        return path.is_file() and sha256 in path.read_text("ascii").split()
    ours = set(env.get(SOURCES, "").split(","))
    return not ours.isdisjoint(references(contract.server.location))
