"""Writes a document as plain text, and as simple HTML for a mail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html import escape
from itertools import groupby
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.alerts.document import Document
from pipelines.alerts.problem import EVENTS
from pipelines.clock import TIMEZONE
from pipelines.publication.indonesian import number

MOST = 20
"""How many problems of a kind a text lists."""
_END = "Selengkapnya: `gudang alerts preview`, `gudang status`."


def plain(document: Document, longest: int | None = None) -> str:
    """The document as text; the headline is its first line. longest: characters after which it is cut, and says so."""
    text = "\n".join(_lines(document)) + "\n"
    if longest is None or len(text) <= longest:
        return text
    end = f"\n… terpotong. {_END}\n"
    return text[: longest - len(end)].rsplit("\n", 1)[0] + end


def html(document: Document) -> str:
    """The document as a page without style, pictures or script."""
    parts = [f"<p><b>{escape(document['headline'])}</b></p>"]
    for title, items, more in _sections(document):
        lines = "".join(f"<li>{_html_line(item)}</li>" for item in items)
        cut = f"<li>… dan {more} lagi</li>" if more else ""
        parts.append(f"<h3>{escape(title)}</h3><ul>{lines}{cut}</ul>")
    parts += [f"<p>{escape(line)}</p>" for line in _footer(document)]
    return f'<!doctype html><html lang="id"><meta charset="utf-8"><body>{"".join(parts)}</body></html>'


def _lines(document: Document) -> Iterator[str]:
    yield document["headline"]
    for title, items, more in _sections(document):
        yield ""
        yield f"{title}:"
        for item in items:
            yield f"- {_line(item)}"
            if item["run_url"]:
                yield f"  {item['run_url']}"
        if more:
            yield f"- … dan {more} lagi"
    for line in _footer(document):
        yield ""
        yield line


def _sections(document: Document) -> Iterator[tuple[str, list[dict[str, Any]], int]]:
    """Heading, items, and how many further items are not shown."""
    for title, group in groupby(document["problems"], itemgetter("title")):
        items = list(group)
        yield title, items[:MOST], max(0, len(items) - MOST)
    if document["resolved"]:
        yield "Sudah beres", document["resolved"][:MOST], max(0, len(document["resolved"]) - MOST)


def _footer(document: Document) -> Iterator[str]:
    waiting = document["quarantine_waiting"]
    if waiting:
        yield f"Karantina: {number(sum(waiting.values()))} baris menunggu di {len(waiting)} dataset."
    if document["kind"] == "digest" and document["audience"] == "walidata" and document["problems"]:
        yield _END


def _line(item: dict[str, Any]) -> str:
    if item["resolved_at"]:
        return f"{item['subject']} ({item['title'].lower()}) sejak {_at(item['resolved_at'])}"
    return f"{item['subject']}: {item['message']}{_repeats(item)}"


def _html_line(item: dict[str, Any]) -> str:
    line = escape(_line(item))
    if item["run_url"]:
        line += f' <a href="{escape(item["run_url"], quote=True)}">run</a>'
    return line


def _repeats(item: dict[str, Any]) -> str:
    if item["times"] < 2 or item["kind"] in EVENTS:
        return ""
    return f" (sudah {item['times']} kali sejak {_at(item['since'])})"


def _at(iso: str) -> str:
    """A time in WITA: 26-11 02.10."""
    return f"{datetime.fromisoformat(iso).astimezone(ZoneInfo(TIMEZONE)):%d-%m %H.%M}"
