"""What makes a change of a folder last."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.disk import sync_folder


def test_a_folder_is_written_to_the_disk_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "tidak-ada")
