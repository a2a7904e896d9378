"""The documents: links have targets, named paths exist, and every page is in the menu.

`make docs` checks only the links of the site. These tests also check the files in the root, and paths in the text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("demo/**/*.md")])
MADE_BY_MAKE = {"changelog.md", "contributing.md", "gudang.md", "security.md"}
"""Pages of the site that `make docs` writes. There are no such files in docs/."""

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:pipelines|tests|docs|demo|deploy|benchmarks|dbt_like_sql)/[\w./-]+)`")
OUR_PAGE = re.compile(r"docs/[\w/-]+\.md")


def text_of(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text_of(page), flags=re.MULTILINE)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


def relative_path(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=relative_path)
def test_links_lead_to_existing_files_and_headings(page: Path) -> None:
    broken: list[str] = []
    for link in LINK.findall(text_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = page.parent / place if place else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=relative_path)
def test_paths_that_a_page_names_exist(page: Path) -> None:
    assert [path for path in PATH.findall(text_of(page)) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/**/*.md")), ids=relative_path)
def test_pages_of_the_site_link_only_to_pages_of_the_site(page: Path) -> None:
    places = [
        link.partition("#")[0] for link in LINK.findall(text_of(page)) if not re.match(r"[a-z]+:", link)
    ]
    assert [p for p in places if p and not (page.parent / p).resolve().is_relative_to(ROOT / "docs")] == []


def test_menu_of_the_site_has_every_page_of_docs() -> None:
    def pages(entry: object) -> list[str]:
        match entry:
            case str():
                return [entry]
            case list():
                return [page for inner in entry for page in pages(inner)]
            case dict():
                return [page for inner in entry.values() for page in pages(inner)]
            case _:
                raise TypeError(entry)

    menu = pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    there = {str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")}
    assert sorted(menu) == sorted(there | MADE_BY_MAKE)


def test_pages_that_messages_and_docstrings_name_exist() -> None:
    named = {
        f"{file.relative_to(ROOT)}: {page}"
        for file in (ROOT / "pipelines").rglob("*.py")
        for page in OUR_PAGE.findall(file.read_text(encoding="utf-8"))
        if not (ROOT / page).exists()
    }
    assert named == set()


def texts_of(file: Path) -> list[str]:
    """The strings of a Python file. A value inside of an f-string becomes NUL, unless it is a constant of ours."""

    def part(node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.FormattedValue(value=ast.Name(id=name)):
                return CONSTANTS.get(name, "\0")
            case _:
                return "\0"

    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    plain = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return plain + ["".join(map(part, node.values)) for node in nodes if isinstance(node, ast.JoinedStr)]


def constants_of(file: Path) -> Iterator[tuple[str, str]]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                yield name, text


CONSTANTS = dict(pair for file in (ROOT / "pipelines").rglob("*.py") for pair in constants_of(file))


def test_messages_that_the_troubleshooting_page_quotes_are_in_the_code() -> None:
    """The page writes `...` or a number in place of a value of the message."""
    texts = [text for file in (ROOT / "pipelines").rglob("*.py") for text in texts_of(file)]
    page = text_of(ROOT / "docs" / "when-a-load-fails.md")
    quoted = [
        message for bold in re.findall(r"\*\*(.+?)\*\*", page) for message in re.findall(r'"(.+?)"', bold)
    ]
    assert len(quoted) > 20
    unknown = [
        message
        for message in quoted
        if not any(
            re.search(".*".join(map(re.escape, re.split(r"\.\.\.|\d+", message))), t, re.DOTALL)
            for t in texts
        )
    ]
    assert unknown == []
