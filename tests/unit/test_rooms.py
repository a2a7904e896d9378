"""The structure of the code: no import circles, no too large rooms, and tests that mirror the rooms.

`make imports` checks which room may import which. import-linter's layers allow circles inside of a room. These tests
find them in every import, also inside of functions and under TYPE_CHECKING.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_MODULE = 400
MOST_MODULES = 14
NOT_OF_PIPELINES = {"dbt_like_sql", "demo", "deploy", "support"}
"""Folders of tests that have no room in pipelines/."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted((ROOT / "pipelines").rglob("*.py"))}


def imports_of(name: str, source: str, known: set[str], *, is_package: bool) -> set[str]:
    """The modules of `known` that a module's source imports anywhere.

    `from a import b` imports the module a.b if it exists, or else a. Importing a.b also runs a/__init__.py, which is
    ignored, because this is true for every module of a room.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name.split(".") if is_package else name.split(".")[:-1]
                above = package[: len(package) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.add(inner if inner in known else base)
    return (found & known) - {name}


def circle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one circle, in the order of their imports. Empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_circle_is_found_in_every_kind_of_import() -> None:
    known = {"p", "p.a", "p.b", "p.c"}
    graph = {
        "p.a": imports_of("p.a", "from p import b", known, is_package=False),
        "p.b": imports_of("p.b", "def f():\n    from .c import g", known, is_package=False),
        "p.c": imports_of("p.c", "if TYPE_CHECKING:\n    import p.a", known, is_package=False),
    }
    assert graph == {"p.a": {"p.b"}, "p.b": {"p.c"}, "p.c": {"p.a"}}
    assert set(circle(graph)) == {"p.a", "p.b", "p.c"}
    assert circle({"p.a": {"p.b"}, "p.b": set()}) == []
    assert imports_of("p", "from . import a", known, is_package=True) == {"p.a"}


def test_modules_have_no_import_circle() -> None:
    known = set(MODULES)
    graph = {
        name: imports_of(name, path.read_text(encoding="utf-8"), known, is_package=path.name == "__init__.py")
        for name, path in MODULES.items()
    }
    assert circle(graph) == []


def test_modules_have_at_most_400_lines() -> None:
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in MODULES.items()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_rooms_have_at_most_14_modules() -> None:
    rooms = [path.parent for path in MODULES.values() if path.name == "__init__.py"]
    sizes = {
        module_name(r / "__init__.py"): sum(p.name != "__init__.py" for p in r.glob("*.py")) for r in rooms
    }
    assert {room: size for room, size in sizes.items() if size > MOST_MODULES} == {}


@pytest.mark.parametrize("kind", ["unit", "integration"])
def test_every_folder_of_tests_has_a_room(kind: str) -> None:
    tests = ROOT / "tests" / kind
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")} - {Path()}
    unknown = {
        str(folder)
        for folder in folders
        if folder.parts[0] not in NOT_OF_PIPELINES and not (ROOT / "pipelines" / folder).is_dir()
    }
    assert unknown == set()
