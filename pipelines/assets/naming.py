"""Makes names and tags that Dagster accepts from any text of a contract; a refused one would stop every OPD."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import dagster as dg

from pipelines.contracts.model import Contract

LONGEST_NAME = 100
LONGEST_TAG = 63
"""The most characters of a tag's value; Dagster takes the limit of Kubernetes."""
_MARK = 8


def raw_key(contract: Contract) -> dg.AssetKey:
    """The key of a dataset's asset."""
    return dg.AssetKey(["raw", contract.opd, contract.dataset])


def definition_name(text: str) -> str:
    """Makes a name of letters, digits and underscores. A changed text ends in a hash, so that names stay unique."""
    return _fitted(text, r"[^A-Za-z0-9_]+", "_", LONGEST_NAME)


def tag_value(text: str) -> str:
    """Makes the value of a tag: letters, digits, underscores, dots and dashes; white space becomes an underscore."""
    return _fitted(re.sub(r"\s+", "_", text), r"[^A-Za-z0-9_.-]+", "-", LONGEST_TAG)


def numbered(names: Sequence[str]) -> list[str]:
    """Gives the names in order; a repeated one gets the lowest number from 2 on that makes it unique."""
    used: set[str] = set()
    unique: list[str] = []
    for name in names:
        tried, number = name, 1
        while tried in used or (number > 1 and tried in names):
            number += 1
            tried = f"{name}_{number}"
        used.add(tried)
        unique.append(tried)
    return unique


def _fitted(text: str, unfit: str, instead: str, longest: int) -> str:
    fitted = re.sub(unfit, instead, text)
    if fitted == text and len(text) <= longest:
        return text
    mark = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_MARK]
    return f"{fitted[: longest - _MARK - 1]}_{mark}"
