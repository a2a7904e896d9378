"""Recognises sources with made-up data: those of the demo OPD, which are used until an installation has real sources.

What belongs here: distinguishing made-up from real sources, so that figures made of them say so. Not here: starting the
demo (runtime/environment.py), and how a publication is marked (publication/samples.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.contracts.model import Contract
from pipelines.settings import load_settings, references

SOURCES = "GUDANG_CONTOH_SUMBER"
"""The environment variable that lists the variables that the demo has set, separated by commas."""
FOUND = "data_contoh"
"""The key in the ledger's `found` that marks a load of made-up data."""


def hash_list(home: Path) -> Path:
    """Returns the path of the file with the SHA-256 of each upload that the demo has written here, one per line."""
    return home / "demo" / "files"


def is_sample(contract: Contract, sha256: str | None, env: Mapping[str, str]) -> bool:
    """Whether the contract's source is made up.

    sha256: the hash of an upload's content, which is looked up in `hash_list`; so a demo file is recognised even after
    the demo has ended. Other sources (None) are recognised by the environment variables in their location.
    """
    if sha256 is not None:
        path = hash_list(load_settings(env).home)
        return path.is_file() and sha256 in path.read_text("ascii").split()
    set_by_demo = set(env.get(SOURCES, "").split(","))
    return not set_by_demo.isdisjoint(references(contract.server.location))
