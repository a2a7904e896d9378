"""Names of files that survive a crash, and messages for failures of the operating system."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from pipelines.disk import os_reason, sync_folder


def test_folder_is_synced_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "tidak-ada")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/rahasia/x"), "tidak ada hak akses"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk penuh"),
        (OSError(errno.EINVAL, "bukan berkas biasa"), "bukan berkas biasa"),
        (OSError(), "OSError"),
        (RuntimeError("/rahasia/x"), "RuntimeError"),
    ],
)
def test_reason_of_a_failure_does_not_show_its_path(error: Exception, reason: str) -> None:
    assert os_reason(error) == reason
