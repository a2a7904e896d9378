"""Indonesian words and colours for the states of loads and models, for a terminal.

Not here: the states themselves, which are values of the ledger (ops.load_batch) and of models/build/results.py.
"""

from __future__ import annotations

from collections.abc import Mapping

LOADS: Mapping[str | None, tuple[str, str]] = {
    "loaded": ("dimuat", "green"),
    "unchanged": ("tetap", "green"),
    "rejected": ("ditolak", "red"),
    "failed": ("gagal", "red"),
    "died": ("terputus", "red"),
    "waiting": ("menunggu", "yellow"),
    "superseded": ("digantikan", "cyan"),
    "running": ("berjalan", "cyan"),
    "set aside": ("disisihkan", "red"),
    None: ("belum", "yellow"),
}
"""States of a dataset's load, at most ten characters each. None: it was never loaded."""

MODELS: Mapping[str, tuple[str, str]] = {
    "ok": ("berhasil", "green"),
    "unchanged": ("tetap", "green"),
    "held": ("ditahan", "yellow"),
    "skipped": ("dilewati", "yellow"),
    "failed": ("gagal", "red"),
    "tests_failed": ("uji gagal", "red"),
}
"""States of a model that was built, left or tested."""
