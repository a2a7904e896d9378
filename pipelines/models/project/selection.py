"""Finds the nodes that a selector names, as dbt does.

What belongs here: `name`, `stg_*`, `tag:x`, `config.materialized:view`, `source:opd.dataset`, `exposure:name`,
`path:models/marts` or a folder's name, `+x`, `2+x`, `x+`, `x+1`, and `a,b` for the nodes of both. Not here:
building the nodes (models/build/runner.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from pipelines.errors import ModelError
from pipelines.models.project.nodes import Node, Project
from pipelines.suggest import did_you_mean

_GRAPH = re.compile(r"(?P<up>(?P<up_depth>\d*)\+)?(?P<core>.+?)(?P<down>\+(?P<down_depth>\d*))?")
METHODS = "pakai nama, stg_*, tag:, path:, source:, exposure:, config.materialized:, dengan + di depan atau di belakang"


def select(
    project: Project, selectors: Iterable[str] | None = None, exclude: Iterable[str] = ()
) -> tuple[Node, ...]:
    """The nodes that `selectors` name, less those of `exclude`, in building order; without selectors all nodes.

    Raises ModelError for a selector that names nothing.
    """
    chosen = set(project.nodes) if selectors is None else {n for s in selectors for n in _both(project, s)}
    chosen -= {name for selector in exclude for name in _both(project, selector)}
    return tuple(node for node in project.nodes.values() if node.name in chosen)


def _both(project: Project, selector: str) -> set[str]:
    """The nodes that all parts of `a,b` name."""
    return set.intersection(*(_with_relatives(project, part) for part in selector.split(",")))


def _with_relatives(project: Project, selector: str) -> set[str]:
    match = _GRAPH.fullmatch(selector)
    core = _named(project, match["core"]) if match else set[str]()
    if match is None or not core:
        hint = did_you_mean(match["core"], _selectors(project)) if match else ""
        raise ModelError(selector, "tidak memilih apa pun", hint=hint or METHODS)
    chosen = set(core)
    if match["up"]:
        chosen |= _walked(core, lambda name: project.nodes[name].depends_on, match["up_depth"])
    if match["down"]:
        readers: dict[str, list[str]] = {}
        for node in project.nodes.values():
            for upstream in node.depends_on:
                readers.setdefault(upstream, []).append(node.name)
        chosen |= _walked(core, lambda name: readers.get(name, ()), match["down_depth"])
    return chosen


def _walked(start: set[str], steps: Callable[[str], Iterable[str]], depth: str) -> set[str]:
    """All nodes that are reached from `start`, in at most `depth` steps; "" for any number."""
    reached, edge = set(start), set(start)
    left = int(depth) if depth else -1
    while edge and left != 0:
        edge = {name for here in edge for name in steps(here)} - reached
        reached |= edge
        left -= 1
    return reached


def _named(project: Project, core: str) -> set[str]:
    method, _, value = core.rpartition(":")
    nodes = project.nodes.values()
    match method:
        case "tag":
            return {n.name for n in nodes if value in n.tags}
        case "config.materialized":
            return {n.name for n in nodes if n.kind == value}
        case "source":
            opd, _, dataset = value.partition(".")
            return {n.name for n in nodes for s, t in n.sources if s == opd and dataset in ("", "*", t)}
        case "exposure":
            return {n for e in project.exposures.values() if fnmatchcase(e.name, value) for n in e.depends_on}
        case "path":
            below = value.rstrip("/") + "/"
            return {n.name for n in nodes if (_path(project, n) + "/").startswith(below)}
        case "":
            named = {n.name for n in nodes if fnmatchcase(n.name, value)}
            return named or {n.name for n in nodes if value in _path(project, n).split("/")[1:-1]}
        case _:
            return set()


def _selectors(project: Project) -> set[str]:
    """Selectors without wildcards that name something, for a suggestion."""
    nodes = project.nodes.values()
    found = {*project.nodes, *(f"tag:{tag}" for n in nodes for tag in n.tags)}
    found |= {f"config.materialized:{n.kind}" for n in nodes}
    found |= {f"exposure:{name}" for name in project.exposures}
    found |= {f"source:{name}" for s, t in project.sources for name in (s, f"{s}.{t}")}
    folders = {folder for n in nodes for folder in PurePosixPath(_path(project, n)).parents}
    return found | {folder.name for folder in folders} | {f"path:{folder}" for folder in folders}


def _path(project: Project, node: Node) -> str:
    return node.path.relative_to(project.root).as_posix()
