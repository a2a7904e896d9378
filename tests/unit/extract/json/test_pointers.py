"""JSON pointers: the examples of RFC 6901, and pointers without a target."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.extract.json.pointers import ABSENT, point

DOCUMENT: dict[str, Any] = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, " ": 7, "null": None}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/m~0n", 8),
        ("/ ", 7),
        ("/null", None),
    ],
)
def test_pointer_gives_the_value_at_its_place(pointer: str, value: Any) -> None:
    assert point(DOCUMENT, pointer) == value


@pytest.mark.parametrize("pointer", ["/tiada", "/foo/2", "/foo/-1", "/foo/x", "/foo/0/0", "/null/x"])
def test_pointer_without_a_target_gives_absent(pointer: str) -> None:
    assert point(DOCUMENT, pointer) is ABSENT
