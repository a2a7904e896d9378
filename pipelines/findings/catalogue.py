"""Reads the catalogue of findings: code, severity and explanation of everything that data and contracts can break.

What belongs here: entries as values, and the way from a rule's name to its entry. Not here: a contract's own words
about a rule (load/stage/rules.py), which rules a contract makes soft (contracts/soft_rules.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, cast

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CODE = re.compile("GDK-([BFSKTM])[0-9]{3}")
KINDS: Mapping[str, str] = {
    "B": "Baris",
    "F": "Berkas",
    "S": "Sumber",
    "K": "Kontrak",
    "T": "Pemeriksaan tabel",
    "M": "Pemuatan",
}
"""What can break an entry's rule, by the letter of its code."""
OTHER_EXPECTATION = "lainnya"
"""The rule of an expectation of Great Expectations that has no entry of its own."""


class Severity(StrEnum):
    """What a finding means: refused; taken, and somebody is told; or refused until the OPD confirms it."""

    ERROR = "galat"
    WARNING = "peringatan"
    TO_CONFIRM = "perlu konfirmasi"


@dataclass(frozen=True, slots=True)
class Entry:
    """One code of the catalogue.

    rules: the names in code that it stands for. confirmable: whether a contract may make the rule soft.
    sentence: what was expected. before, after: an example with made-up values. fix_by_opd: what an OPD does, where
    `fix` is not in its power; "" elsewhere.
    """

    code: str
    severity: Severity
    title: str
    sentence: str
    fix: str
    before: str
    after: str
    rules: Sequence[str] = ()
    confirmable: bool = False
    fix_by_opd: str = ""

    @property
    def fix_for_opd(self) -> str:
        """How the OPD fixes it."""
        return self.fix_by_opd or self.fix

    @property
    def kind(self) -> str:
        """What breaks it: "Baris", "Berkas", ..."""
        return KINDS[self.code[4]]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries by code, in the order of the file. retired: codes that are no longer given, with the reason."""

    version: int
    entries: Mapping[str, Entry]
    retired: Mapping[str, str]


@cache
def catalogue() -> Catalogue:
    """The catalogue in catalogue.yaml."""
    text = resources.files("pipelines.findings").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return parsed(text)


def parsed(text: str) -> Catalogue:
    """The catalogue of a YAML text. Raises ValueError if a code is malformed, given twice or retired."""
    document: Any = yaml.load(text, _LOADER)  # noqa: S506 (a SafeLoader)
    retired = cast("dict[str, str]", document["retired"])
    entries: dict[str, Entry] = {}
    rules: set[str] = set()
    for item in cast("list[dict[str, Any]]", document["entries"]):
        item["severity"] = Severity(item["severity"])
        entry = Entry(**item)
        if not CODE.fullmatch(entry.code):
            raise ValueError(f"{entry.code} is no code")
        if entry.code in entries or entry.code in retired:
            raise ValueError(f"{entry.code} was given before")
        if known := rules.intersection(entry.rules):
            raise ValueError(f"{entry.code}: {', '.join(sorted(known))} has another code")
        entries[entry.code] = entry
        rules.update(entry.rules)
    return Catalogue(int(document["version"]), entries, retired)


def entry(code: str) -> Entry:
    """The entry of a code. Raises KeyError for an unknown one."""
    return catalogue().entries[code]


def code_of(rule: str) -> str:
    """The code of a rule, given by its name in code (`wajib`, `kunci_ganda`). Raises KeyError for an unknown one."""
    return _codes()[rule]


def code_of_expectation(kind: str) -> str:
    """The code of a check of a table, given by GX's type, dbt's test or the check's own name."""
    return _codes().get(kind) or code_of(OTHER_EXPECTATION)


@cache
def _codes() -> dict[str, str]:
    return {rule: entry.code for entry in catalogue().entries.values() for rule in entry.rules}
