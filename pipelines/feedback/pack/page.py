"""Renders the page of a feedback: findings by code with examples, in one file that needs nothing else.

Not here: mark-up (page.html.j2), what is counted (summary.py).
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from pipelines.feedback.pack.place import Layout
from pipelines.feedback.pack.summary import Summary
from pipelines.publication import indonesian

if TYPE_CHECKING:
    from jinja2 import Environment

NAME = "index.html"


def render_page(summary: Summary, layout: Layout, files: list[str]) -> str:
    """The page. files: names of the files beside it; one with a masked number gets no link."""
    return (
        _environment()
        .get_template("page.html.j2")
        .render(summary=summary, groups=summary.groups, layout=layout, files=files, names=FILES)
    )


FILES = {
    "temuan.csv": "semua temuan, satu baris satu temuan",
    "ringkas.json": "ringkasan untuk program",
    "baris-ditahan.xlsx": "baris yang ditahan, dengan sel yang perlu diperbaiki ditandai",
}
"""What the files beside the page are, by name; the others are the OPD's own, marked."""


def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    templates = {
        "page.html.j2": resources.files("pipelines.feedback.pack")
        .joinpath("page.html.j2")
        .read_text("utf-8"),
        "base.css": resources.files("pipelines.publication").joinpath("base.css").read_text("utf-8"),
    }
    environment = Environment(
        loader=DictLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": indonesian.number, "day": indonesian.short_day}
    return environment
