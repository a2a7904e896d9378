"""A suppressed table counts the persons behind its rows wherever its source tells them apart (adr/060)."""

from __future__ import annotations

import pytest

from pipelines.models.project.nodes import Node
from tests.support.repository import own_contracts, own_project

NODES = own_project().nodes
IDENTITIES = {
    (contract.opd, contract.dataset): [c.name for c in contract.stored if c.pseudonymise]
    for contract in own_contracts()
} | {("dpmptsp", "izin"): ["nib"]}
"""By source, the columns that tell persons apart: pseudonyms, and the number of a business."""
COUNTED = "as banyak_pihak"
"""What the macro writes where it was told who is behind a row."""


def sources_of(node: Node) -> set[tuple[str, str]]:
    """All sources that a node reads, also through others."""
    return {*node.sources}.union(*(sources_of(NODES[name]) for name in node.depends_on))


SUPPRESSED = sorted(node.name for node in NODES.values() if node.suppression)


@pytest.mark.parametrize("name", SUPPRESSED)
def test_persons_that_can_be_told_apart_are_counted(name: str) -> None:
    told_apart = any(IDENTITIES.get(source) for source in sources_of(NODES[name]))
    assert (COUNTED in NODES[name].suppression) == told_apart


def test_the_tables_of_persons_that_can_be_told_apart() -> None:
    assert [name for name in SUPPRESSED if COUNTED in NODES[name].suppression] == [
        "agg_izin_bulanan",
        "agg_kunjungan_bulanan",
        "agg_pegawai",
        "agg_penerimaan_pkb",
    ]
