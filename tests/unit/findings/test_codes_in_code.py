"""Every fault that an OPD can cause or see has a code of the catalogue, and every code of the catalogue is given."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.errors import GudangError, LoadError, SourceError, with_code
from pipelines.findings.catalogue import CODE, catalogue
from pipelines.settings import PROJECT_ROOT

PIPELINES = PROJECT_ROOT / "pipelines"
ROOMS = ("contracts", "extract", "ingest", "load", "loket", "warehouse")
MODULES = ("nightly.py", "datasets.py", "settings.py", "sensors/requested.py")
FAULTS = frozenset({
    *("SourceError", "ShapeError", "ContractError", "LoadError", "ShrunkError", "EmptyError"),
    *("FaultyError", "Fault", "source_error", "shape_error", "contract_error"),
})  # fmt: skip
"""The classes and functions that make errors and faults.

One function is not guarded: the `source_error` of databases, which has two arguments and chooses its code itself.
"""


def guarded() -> list[Path]:
    return [
        *(p for room in ROOMS for p in (PIPELINES / room).rglob("*.py")),
        *(PIPELINES / m for m in MODULES),
    ]


def without_code(source: str) -> Iterator[int]:
    """The lines of calls that make a fault and give it no code."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        own = name == "source_error" and isinstance(node.func, ast.Name)
        if name in FAULTS and not own and "code" not in {k.arg for k in node.keywords}:
            yield node.lineno


def codes_in_code() -> set[str]:
    sources = (path.read_text(encoding="utf-8") for path in PIPELINES.rglob("*.py"))
    return {found for source in sources for found in re.findall(r'"(GDK-\w+)"', source)}


@pytest.mark.parametrize("path", guarded(), ids=lambda p: str(p.relative_to(PIPELINES)))
def test_every_fault_has_a_code(path: Path) -> None:
    assert list(without_code(path.read_text(encoding="utf-8"))) == []


def test_fault_without_a_code_is_seen() -> None:
    source = (
        'raise SourceError(a, b)\nraise reading.shape_error(a, b, code="GDK-F015")\nreading.source_error(a)\n'
    )
    assert list(without_code(source)) == [1, 3]


def test_codes_in_code_are_those_of_the_catalogue() -> None:
    """Rules of rows and checks of tables have their codes by name: test_rules_in_catalogue.py and test_suites.py."""
    given = {code for code in codes_in_code() if CODE.fullmatch(code)}
    assert codes_in_code() == given
    assert given == {code for code in catalogue().entries if code[4] not in "BT"}


def test_code_stands_at_the_end_of_what_people_read() -> None:
    error = SourceError("dinkes/kunjungan", "berkas kosong", hint="unggah lagi", code="GDK-F001")
    assert str(error) == "dinkes/kunjungan: berkas kosong (unggah lagi) [GDK-F001]"
    assert (error.message, error.code) == ("berkas kosong", "GDK-F001")
    assert str(GudangError("gudang", "tidak ada")) == "gudang: tidak ada"
    assert with_code("baris", None) == "baris"


def test_error_without_a_code_of_its_own_has_the_one_of_its_class() -> None:
    assert str(LoadError("a/b", "gagal")) == "a/b: gagal [GDK-M001]"
