"""The seed that gives each finding and repair a dimension of quality has all of them."""

from __future__ import annotations

import csv
from collections import defaultdict

from pipelines.contracts.repairs import PARSERS
from pipelines.findings.catalogue import catalogue
from tests.support.repository import MODELS

KINDS = {"B": "aturan_baris", "T": "pemeriksaan", "F": "pemuatan", "S": "pemuatan", "M": "pemuatan"}
"""Of each letter of the catalogue. A fault of a contract (K) says nothing about data."""


def test_every_rule_code_and_repair_has_a_dimension_and_back() -> None:
    """A rule without one would be counted in no score but that of completeness."""
    expected: defaultdict[str, set[str]] = defaultdict(set)
    for entry in catalogue().entries.values():
        letter = entry.code[4]
        if kind := KINDS.get(letter):
            expected[kind] |= set(entry.rules) if letter == "B" else {entry.code}
    expected["perbaikan"] = {"missing_values", *PARSERS}
    found: defaultdict[str, set[str]] = defaultdict(set)
    with (MODELS / "seeds/mutu/ref_dimensi_temuan.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[row["jenis"]].add(row["nama"])
    assert found == expected
