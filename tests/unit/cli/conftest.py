"""Fixtures for the tests of cli/."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.settings import PROJECT_ROOT

Gudang = Callable[..., tuple[int, str, str]]


@pytest.fixture
def gudang(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Gudang:
    """Runs `gudang` with the given arguments; gives its exit code, what it printed, and its errors."""
    monkeypatch.setenv("GUDANG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GUDANG_PROJECT", str(PROJECT_ROOT))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gudang", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run
