"""The report page for a reader without a mouse or without sight: charts have names, and wide tables can be scrolled."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from pipelines.publication.report.data import Index, Population, QualityScore, ReportData, Visits
from pipelines.publication.report.report import render

AT = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
INDEX = tuple(
    Index(
        "spbe", "59/2020", False, 2026, kind, code, kind, "mandiri", "formulir", 100.0, 2.8, 3.0, -0.2, "Baik", 47, 47,
        None,
    )
    for kind, code in (("indeks", "SPBE"), ("domain", "1"), ("aspek", "1"))
)  # fmt: skip
SCORE = QualityScore(
    "dinkes/x",
    "Data",
    "dinkes",
    "Dinas",
    "gabungan",
    Decimal(100),
    2026,
    9,
    Decimal(50),
    None,
    0,
    None,
    0,
    None,
    False,
)
DATA = ReportData(
    daftar_data=(),
    quality=(SCORE,),
    failed_checks=(),
    quarantine=(),
    population=(Population("Kota A", "Ulu", None, 2025, 900), Population("Kota A", "Ulu", "X", 2025, 900)),
    visits=(Visits("Kota A", 2026, 9, "BPJS", 1234, 0),),
    indices=INDEX,
)


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text of each SVG's own title."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.titles: list[str] = []
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open[-2:] == ["svg", "title"]:
            self.titles.append(data)


@pytest.fixture(scope="module")
def page() -> Elements:
    return Elements(render(DATA, AT))


def test_each_chart_is_one_image_with_a_name(page: Elements) -> None:
    pictures = [attrs for tag, attrs in page.found if tag == "svg"]
    assert len(pictures) == 6
    assert [p["role"] for p in pictures] == ["img"] * 6
    assert [p["aria-label"] for p in pictures] == page.titles
    assert "Skor mutu per OPD, 0 sampai 100" in page.titles


def test_no_part_of_a_chart_has_a_role_without_a_name(page: Elements) -> None:
    """Rule svg-img-alt of axe: Vega gives groups of marks the role graphics-symbol, but no name."""
    roles = {(tag, attrs["role"]) for tag, attrs in page.found if "role" in attrs}
    assert roles == {("svg", "img"), ("div", "group")}
    assert not [attrs for _, attrs in page.found if "aria-roledescription" in attrs]


def test_scrolling_regions_are_reached_by_keyboard_and_have_unique_names(page: Elements) -> None:
    """Rule scrollable-region-focusable of axe."""
    regions = [attrs for _, attrs in page.found if attrs.get("class") in ("scroll", "chart")]
    assert len(regions) >= 11
    assert all(r.get("tabindex") == "0" and r.get("role") == "group" for r in regions)
    names = [r["aria-label"] for r in regions]
    assert all(names)
    assert len(set(names)) == len(names)
