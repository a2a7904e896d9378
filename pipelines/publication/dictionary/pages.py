"""Renders the dictionary as pages, and writes them as files.

What belongs here: which page shows what, links between pages, writing. Not here: mark-up (*.j2, site.css),
what is known (dictionary.py). Every page is complete: its style and script are in it, nothing is fetched, and it
works from a folder as from a server. The same dictionary gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipelines.errors import GudangError
from pipelines.findings.catalogue import Entry as Finding
from pipelines.findings.catalogue import catalogue
from pipelines.publication import indonesian
from pipelines.publication.dictionary import explanations, findings
from pipelines.publication.dictionary.dictionary import Dictionary, Entry
from pipelines.publication.dictionary.drawing import Mark, draw
from pipelines.publication.files import replace_text
from pipelines.publication.guard import check_text

if TYPE_CHECKING:
    from jinja2 import Environment

START, GRAPH, FOLDER = "index.html", "silsilah.html", "relasi"
FINDINGS, CODES = "temuan.html", "temuan"
"""The page of all codes of the catalogue of findings, and the folder with a page for each."""
CHECKS, CHECKED = "pemeriksaan.html", "pemeriksaan"
"""The page of all relations that have rules, and the folder with a page for each."""
CONTENTS = ".kamus-data.json"
"""The file with the list of a site's pages. It marks the folder as ours, and tells which pages must be removed."""
_TEMPLATES = (
    "page.html.j2", "start.html.j2", "relation.html.j2", "graph.html.j2", "parts.html.j2", "search.js.j2", "site.css",
    "findings.html.j2", "finding.html.j2", "checks.html.j2", "check.html.j2",
)  # fmt: skip
_EXPOSURE = "pemakaian"
_CODE = "temuan"
"""The kind of a code in the search index."""


@dataclass(frozen=True, slots=True)
class WrittenSite:
    """The result of writing a site: how many pages there are, how many changed, which were removed."""

    start: Path
    pages: int
    changed: int
    removed: tuple[str, ...]


def write_site(dictionary: Dictionary, out: Path) -> WrittenSite:
    """Writes the pages into `out`, the start page last, and removes the pages of relations that no longer exist.

    Raises GudangError when `out` holds other things, PublicationError when a page holds a value shaped like a NIK.
    """
    before = _contents(out)
    pages = render_site(dictionary)
    # Written before the first page, so that after an interruption the folder is known as ours and can be completed.
    replace_text(out / CONTENTS, json.dumps(sorted({*before, *pages}), indent=1) + "\n")
    last = sorted(pages, key=lambda path: (path == START, path))
    changed = sum(replace_text(out / path, pages[path]).changed for path in last)
    removed = sorted(path for path in set(before) - set(pages) if (out / path).is_file())
    for path in removed:
        (out / path).unlink()
    replace_text(out / CONTENTS, json.dumps(sorted(pages), indent=1) + "\n")
    return WrittenSite(out / START, len(pages), changed, tuple(removed))


def _contents(out: Path) -> tuple[str, ...]:
    """The pages of the site in `out`; () if there is none. Raises GudangError if the folder holds other things."""
    listed = out / CONTENTS
    if listed.is_file():
        try:
            paths = cast("list[str]", json.loads(listed.read_text("utf-8")))
            return tuple(
                p for p in paths if re.fullmatch(rf"(({FOLDER}|{CODES}|{CHECKED})/)?[\w.-]+\.html", p)
            )
        except (ValueError, TypeError):
            return ()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GudangError(
            str(out),
            "folder ini berisi hal lain dan tidak diubah",
            hint="pilih folder kosong atau baru dengan --out",
        )
    return ()


def render_site(dictionary: Dictionary) -> dict[str, str]:
    """Renders every page; gives them by path in the site. Raises PublicationError for a value like a NIK."""
    maker = _Pages(dictionary)
    pages = {START: maker.start(), GRAPH: maker.graph(), FINDINGS: maker.findings()}
    pages |= {page_of_code(found.code): maker.finding(found) for found in catalogue().entries.values()}
    pages |= {page_of(entry): maker.relation(entry) for entry in dictionary.entries.values()}
    pages[CHECKS] = maker.checks()
    pages |= {checks_path_of(e.key): maker.checks_of(e) for e in dictionary.entries.values() if e.asked.rules}
    for path, page in pages.items():
        # A picture is not checked: its coordinates have many digits, and its text is that of the tables.
        check_text(path, re.sub(r"<(svg|style)\b.*?</\1>", "", page, flags=re.DOTALL))
    return pages


def page_of(entry: Entry) -> str:
    """The path of a relation's page in the site."""
    return path_of(entry.key)


def path_of(relation: str, column: str | None = None) -> str:
    """The path in the site of the page of a relation (`schema.name`), or of the place of one of its columns there."""
    path = f"{FOLDER}/{slug(relation)}.html"
    return path if column is None else f"{path}#kolom-{slug(column)}"


def checks_path_of(relation: str) -> str:
    """The path in the site of the page with the rules of a relation (`schema.name`) and their results."""
    return f"{CHECKED}/{slug(relation)}.html"


def page_of_code(code: str) -> str:
    """The path in the site of the page of a code of the catalogue of findings."""
    return f"{CODES}/{code}.html"


def slug(name: str) -> str:
    """Makes `name` fit for a file, an id and a link: letters, digits, _ . - stay, others become their code."""
    return re.sub(r"[^A-Za-z0-9_.-]", lambda match: f"~{ord(match[0]):x}", name).replace("~", "--")


class _Pages:
    def __init__(self, dictionary: Dictionary) -> None:
        self._all = dictionary
        self._environment = _environment()
        self._edges = sorted((a, e.key) for e in dictionary.entries.values() for a in e.reads)
        self._edges += [
            (key, f"{_EXPOSURE}:{name}")
            for name, used in dictionary.reads_of_exposures.items()
            for key in used
        ]

    def start(self) -> str:
        entries = sorted(
            self._all.entries.values(), key=lambda e: (*explanations.layer_order(e.schema), e.name)
        )
        layers = [(schema, list(found)) for schema, found in groupby(entries, key=lambda e: e.schema)]
        script = self._render("search.js.j2", root="")
        return self._render(
            "start.html.j2",
            root="",
            layers=layers,
            kinds=[kind for kind in explanations.KINDS if any(e.kind == kind for e in entries)],
            exposures=self._all.exposures.values(),
            script=script,
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            index=_safe_json([*map(self._found, entries), *map(_found_code, catalogue().entries.values())]),
        )

    def graph(self) -> str:
        keys = [*self._all.entries, *(f"{_EXPOSURE}:{name}" for name in self._all.exposures)]
        joined = {key for edge in self._edges for key in edge}
        svg = draw(
            {key: self._mark(key, "") for key in keys if key in joined},
            self._edges,
            "Silsilah seluruh gudang",
        )
        alone = [self._all.entries[key] for key in self._all.entries if key not in joined]
        return self._render("graph.html.j2", root="", svg=svg, schemas=self._layers(joined), alone=alone)

    def findings(self) -> str:
        found = catalogue()
        kinds = [(kind, list(of)) for kind, of in groupby(found.entries.values(), key=lambda f: f.kind)]
        return self._render("findings.html.j2", root="", kinds=kinds, retired=found.retired)

    def finding(self, found: Finding) -> str:
        scope = findings.SCOPES.get(found.code[4])
        used = None if scope else self._all.tables_by_code.get(found.code, ())
        return self._render("finding.html.j2", root="../", f=found, used=used, scope=scope)

    def checks(self) -> str:
        entries = [e for e in self._all.entries.values() if e.asked.rules]
        entries.sort(key=lambda e: (*explanations.layer_order(e.schema), e.name))
        layers = [(schema, list(of)) for schema, of in groupby(entries, key=lambda e: e.schema)]
        return self._render("checks.html.j2", root="", layers=layers)

    def checks_of(self, entry: Entry) -> str:
        return self._render("check.html.j2", root="../", entry=entry, asked=entry.asked)

    def relation(self, entry: Entry) -> str:
        family = {
            entry.key,
            *_reached(entry.key, self._edges),
            *_reached(entry.key, [(b, a) for a, b in self._edges]),
        }
        edges = [(a, b) for a, b in self._edges if a in family and b in family]
        svg = draw({key: self._mark(key, "../") for key in family}, edges, f"Silsilah {entry.key}", entry.key)
        return self._render(
            "relation.html.j2",
            root="../",
            entry=entry,
            svg=svg if len(family) > 1 else "",
            schemas=self._layers(family),
            columns_checked=any(c.checks or c.promise for c in entry.columns),
            columns_joined=any(c.origins or c.readers for c in entry.columns),
        )

    def _mark(self, key: str, root: str) -> Mark:
        if key in self._all.entries:
            entry = self._all.entries[key]
            about = (
                f"{key}, {explanations.KINDS.get(entry.kind, entry.kind)}. {entry.title or entry.description}"
            )
            label = key if entry.kind == "source" else entry.name
            return Mark(label, root + page_of(entry), entry.schema, about)
        exposure = self._all.exposures[key.removeprefix(f"{_EXPOSURE}:")]
        return Mark(
            exposure.title,
            f"{root}{START}#{_EXPOSURE}-{slug(exposure.name)}",
            _EXPOSURE,
            exposure.description or exposure.title,
        )

    def _layers(self, keys: Iterable[str]) -> list[str]:
        """The layers that a picture shows, in the order of LAYERS."""
        entries = self._all.entries
        return sorted(
            {entries[k].schema if k in entries else _EXPOSURE for k in keys}, key=explanations.layer_order
        )

    def _found(self, entry: Entry) -> list[Any]:
        """Makes a relation's entry in the search index, a list that search.js.j2 reads by position."""
        columns = [
            [c.name, _joined(c.promise.title if c.promise else "", c.description), slug(c.name)]
            for c in entry.columns
        ]
        return [
            entry.key,
            page_of(entry),
            entry.title,
            entry.description,
            entry.schema,
            entry.kind,
            list(entry.opds),
            columns,
        ]

    def _render(self, template: str, **values: Any) -> str:
        return self._environment.get_template(template).render(
            all=self._all,
            entries=self._all.entries,
            words=explanations,
            START=START,
            GRAPH=GRAPH,
            FINDINGS=FINDINGS,
            CHECKS=CHECKS,
            **values,
        )


def _found_code(found: Finding) -> list[Any]:
    """A code's entry in the search index, of the same form as a relation's."""
    return [found.code, page_of_code(found.code), found.title, found.sentence, "", _CODE, [], []]


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _reached(start: str, edges: Iterable[tuple[str, str]]) -> set[str]:
    """Gives all nodes that can be reached from `start` along `edges`."""
    onward: dict[str, list[str]] = {}
    for a, b in edges:
        onward.setdefault(a, []).append(b)
    found, waiting = set[str](), [start]
    while waiting:
        for key in onward.get(waiting.pop(), ()):
            if key not in found:
                found.add(key)
                waiting.append(key)
    return found


def _safe_json(value: object) -> str:
    """Makes JSON for a script element, in which nothing can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    own, shared = (
        resources.files("pipelines.publication.dictionary"),
        resources.files("pipelines.publication"),
    )
    templates: Mapping[str, str] = {
        **{name: own.joinpath(name).read_text("utf-8") for name in _TEMPLATES},
        "base.css": shared.joinpath("base.css").read_text("utf-8"),
    }
    environment = Environment(
        loader=DictLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "slug": slug,
        "page": page_of,
        "code_page": page_of_code,
        "checks_page": checks_path_of,
        "number": indonesian.number,
        "moment": indonesian.moment,
        "source": indonesian.source,
    }
    return environment
