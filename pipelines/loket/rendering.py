"""Renders the pages, and holds their style and script. Not here: which page a person gets (pages.py)."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from pipelines.feedback.confirm import when_accepted, when_judged
from pipelines.loket import words
from pipelines.publication import indonesian


def _read(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text("utf-8")


_OWN, _PUBLICATION = "pipelines.loket", "pipelines.publication"
ASSETS = {
    "loket.css": (
        # The look of the report and of the data dictionary, then what is our own.
        _read(_PUBLICATION, "base.css")
        + _read(f"{_PUBLICATION}.dictionary", "site.css")
        + _read(_OWN, "markup/loket.css"),
        "text/css; charset=utf-8",
    ),
    "unggah.js": (_read(_OWN, "markup/unggah.js"), "text/javascript; charset=utf-8"),
}
"""Style and script by name, with their kind."""


def render(request: Request, name: str, status: int, **values: Any) -> HTMLResponse:
    """The page of this template as an answer."""
    text = _environment().get_template(f"{name}.html.j2").render(path=request.url.path, **values)
    return HTMLResponse(text, status)


@cache
def _environment() -> Environment:
    folder = resources.files(_OWN).joinpath("markup")
    texts = {one.name: one.read_text("utf-8") for one in folder.iterdir() if one.name.endswith(".j2")}
    found = Environment(
        loader=DictLoader(texts),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names: dict[str, Any] = {
        "state": words.state, "catalogued": words.catalogued,
        "freshness": words.freshness, "size": words.size, "returned": words.returned,
        "number": indonesian.number, "source": indonesian.source, "rule": indonesian.rule,
        "short_day": indonesian.short_day, "short_month": indonesian.short_month, "moment": words.moment,
        "when_accepted": when_accepted, "when_judged": when_judged,
    }  # fmt: skip
    found.globals.update(names)
    found.filters["capitalize_first"] = _capitalized
    return found


def _capitalized(text: str) -> str:
    """The text with a capital first letter; the others stay."""
    return text[:1].upper() + text[1:]
