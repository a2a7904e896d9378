"""Draws a graph as SVG inside HTML: nodes are links, colours come from the page.

What belongs here: the mark-up of a picture. Not here: where nodes are (layout.py), colours (site.css).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from pipelines.publication.dictionary.layout import Box, lay_out

_LETTER = 6.7
"""The width of a letter at 11 px, in pixels, in the widest of the monospace fonts in site.css."""
_MARGIN = 3.0
_SMALLEST = 0.8
"""A picture may shrink to this part of its width. Below that it scrolls, because its text would be too small."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A node as it is drawn. `layer` chooses its colour; `about` is its title, for screen readers and on hover."""

    label: str
    href: str
    layer: str
    about: str


def draw(
    marks: Mapping[str, Mark], edges: Iterable[tuple[str, str]], title: str, here: str | None = None
) -> str:
    """Draws the graph of `marks` as an SVG element. here: the node that the page is about."""
    layout = lay_out({key: len(mark.label) * _LETTER + 20 for key, mark in marks.items()}, edges)
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    parts = [
        f'<svg class="graph" xmlns="http://www.w3.org/2000/svg" role="group" aria-label="{escape(title)}"'
        f' width="{_n(width)}" height="{_n(height)}" style="min-width:{_n(width * _SMALLEST)}px"'
        f' viewBox="{_n(-_MARGIN)} {_n(-_MARGIN)} {_n(width)} {_n(height)}">'
    ]
    for (a, b), points in layout.edges.items():
        own = ' class="own"' if here in (a, b) else ""
        parts.append(f'<path{own} d="{_curve(points)}"/>')
    parts += [_node(mark, layout.boxes[key], key == here) for key, mark in sorted(marks.items())]
    return "".join([*parts, "</svg>"])


def _node(mark: Mark, box: Box, here: bool) -> str:
    current = ' aria-current="page"' if here else ""
    return (
        f'<a href="{escape(mark.href)}"{current} class="layer-{escape(mark.layer)}"'
        f' data-layer="{escape(mark.layer)}"><title>{escape(mark.about)}</title>'
        f'<rect x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" rx="4"/>'
        f'<text x="{_n(box.x + 10)}" y="{_n(box.y + box.height / 2 + 4)}">{escape(mark.label)}</text></a>'
    )


def _curve(points: tuple[tuple[float, float], ...]) -> str:
    """Draws level pieces as lines, the others as curves that begin and end level."""
    path = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        path.append(
            f"H{_n(x1)}" if y0 == y1 else f"C{_n(middle)} {_n(y0)} {_n(middle)} {_n(y1)} {_n(x1)} {_n(y1)}"
        )
    return "".join(path)


def _n(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
