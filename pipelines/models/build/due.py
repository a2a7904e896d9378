"""Says which models a build would build now, so that a run selects only these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import Connection

from pipelines.contracts.windows import Window
from pipelines.models.build.versions import read_versions
from pipelines.models.project import selection
from pipelines.models.project.nodes import Project


def due(
    project: Project, connection: Connection[Any], *, select: Iterable[str] | None = None
) -> frozenset[str]:
    """The names of the selected models and seeds that `build` would build now; empty if nothing could change.

    Call it before you start a run of models, and select only these; with none, start no run. It builds nothing and
    reads a few rows of ops, so a sensor may call it at each tick. It names too many rather than too few: a model whose
    ancestor is built is named, though the ancestor may turn out the same. The clock is the server's, so no date is
    passed.

    project: with the window that the run will have (`load_project(..., window=...)`): the days of incremental models
    that loads changed are due only in a run that builds them. select: as for `build`. Raises ModelError for a selector
    that selects nothing.
    """
    nodes = selection.select(project, select)
    versions = read_versions(connection, project)
    if versions is None:
        return frozenset(node.name for node in nodes)
    found: set[str] = set()
    for node in nodes:
        basis = versions.basis(node)
        if not versions.may_leave(node, basis, project.window):
            found.add(node.name)
            versions.expect(node, basis)
    return frozenset(found)


def open_ranges(
    project: Project,
    connection: Connection[Any],
    window: Window | None,
    *,
    select: Iterable[str] | None = None,
) -> list[Window]:
    """The ranges of a build: its window, and the days that loads have changed and no build of the models made again.

    Such days are left when a build fails after a load, and when nothing built the models of a load. Their rows that are
    gone stay in an incremental model until a build asks for these days. Days that follow each other are one range. Each
    range is built by itself (`build`), so that one which fails does not stop the others, and the days between two
    ranges are not touched. Raises ModelError for a selector that selects nothing.
    """
    versions = read_versions(connection, project)
    asked = [window] if window else []
    return versions.open_ranges(selection.select(project, select), window) if versions else asked


def first_to_last(ranges: Sequence[Window]) -> Window | None:
    """The days from the beginning of the first to the end of the last range; None without ranges."""
    return Window(ranges[0].start, ranges[-1].end) if ranges else None
