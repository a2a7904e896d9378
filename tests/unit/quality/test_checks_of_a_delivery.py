"""The view of check results knows which checks are about a delivery and not about rows."""

from __future__ import annotations

import re
from importlib import resources

from pipelines.quality.suites import DAMAGE_CHECK, FRESH_CHECK, LOAD_CHECK, OWN_CHECKS


def test_the_view_names_the_checks_of_a_delivery() -> None:
    """Lost letters are in rows; whether a load succeeded and whether data are fresh is not in the ledger's results."""
    view = resources.files("pipelines.warehouse").joinpath("views/checks.sql").read_text("utf-8")
    (listed,) = re.findall(r"check_name <> all\(array\[(.*?)\]\)", view, re.DOTALL)
    expected = {*OWN_CHECKS} - {DAMAGE_CHECK, FRESH_CHECK, LOAD_CHECK}
    assert {*re.findall(r"'(\w+)'", listed)} == expected
