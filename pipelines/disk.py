"""What makes a change of a folder last.

What belongs here: calls to the operating system that no module of ours wraps otherwise. Not here: writing files
(publication/files.py, extract/upload/files.py).
"""

from __future__ import annotations

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Writes the names in `folder` to the disk, so that a rename in it survives a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
