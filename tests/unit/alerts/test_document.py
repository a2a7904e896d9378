"""The digest of a night: its first line, the part that an OPD sees, and that it contains no personal value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines.alerts.document import digest, for_opd, urgent
from pipelines.alerts.problem import LONGEST, Problem
from pipelines.alerts.register import Known
from pipelines.alerts.text import html, plain

NIGHT = datetime(2026, 11, 25, 19, 30, tzinfo=UTC)
"""26 November, 03.30 WITA."""
NIK = "6472015203900001"


def known(kind: str, subject: str, message: str = "sebab", times: int = 1, **more: Any) -> Known:
    found = Problem(kind, subject, message, "1", dataset=subject if "/" in subject else None)
    values = {"run_id": None, "first_at": NIGHT - timedelta(days=2), "resolved_at": None, **more}
    return Known(kind, found.subject, found.message, values["run_id"], found.dataset, values["first_at"], times,
                 values["resolved_at"])  # fmt: skip


def made(*problems: Known, resolved: tuple[Known, ...] = (), datasets: int = 25) -> dict[str, Any]:
    keys = [f"opd/d{n}" for n in range(datasets)]
    return digest(
        problems, resolved, keys, {"dinkes/kunjungan": 7, "bkd/pegawai": 0},
        night=NIGHT, since=NIGHT - timedelta(days=1), until=NIGHT, ui_url="http://uji:3000",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kinds", "line"),
    [
        ([], "Malam 26 November 2026: baik, 25 dataset."),
        (["failed", "late", "failed"], "Malam 26 November 2026: 2 dari 25 dataset gagal, 1 terlambat."),
        (["late"], "Malam 26 November 2026: 1 dari 25 dataset terlambat."),
        (["run", "failed"], "Malam 26 November 2026: 1 dari 25 dataset gagal, 1 run gagal."),
        (["night"], "Malam 26 November 2026: 1 malam tidak selesai."),
    ],
)
def test_first_line_summarises_the_night(kinds: list[str], line: str) -> None:
    document = made(*(known(kind, f"a/{n}") for n, kind in enumerate(kinds)))
    assert document["headline"] == line
    assert plain(document).splitlines()[0] == line


def test_digest_is_written_as_text_and_as_html() -> None:
    document = made(
        known("run", "ingest 1a2b3c4d", "gagal di raw_dinkes", run_id="1a2b3c4d5e"),
        known("failed", "dinkes/kunjungan", "ditolak <b>", times=3),
        resolved=(known("late", "bkd/pegawai", resolved_at=NIGHT),),
    )
    assert plain(document) == (
        "Malam 26 November 2026: 1 dari 25 dataset gagal, 1 run gagal.\n"
        "\nGagal dimuat:\n- dinkes/kunjungan: ditolak <b> (sudah 3 kali sejak 24-11 03.30)\n"
        "\nRun yang gagal:\n- ingest 1a2b3c4d: gagal di raw_dinkes\n  http://uji:3000/runs/1a2b3c4d5e\n"
        "\nSudah beres:\n- bkd/pegawai (terlambat) sejak 26-11 03.30\n"
        "\nKarantina: 7 baris menunggu di 1 dataset.\n"
        "\nSelengkapnya: `gudang alerts preview`, `gudang status`.\n"
    )
    page = html(document)
    assert "ditolak &lt;b&gt;" in page and '<a href="http://uji:3000/runs/1a2b3c4d5e">run</a>' in page


def test_opd_sees_only_its_own_datasets() -> None:
    document = made(
        known("failed", "dinkes/kunjungan"),
        known("failed", "bkd/pegawai", run_id="abc"),
        known("model", "fct_pegawai"),
        known("key_missing", "GUDANG_PSEUDONYM_KEY_X"),
    )
    part = for_opd(document, "bkd", {"bkd/pegawai", "bkd/jabatan"})
    assert part is not None
    assert part["headline"] == "Malam 26 November 2026: 1 dari 2 dataset gagal."
    assert [p["subject"] for p in part["problems"]] == ["bkd/pegawai"]
    assert part["quarantine_waiting"] == {}
    text = plain(part) + html(part)
    assert not any(word in text for word in ("dinkes", "fct_pegawai", "KEY", "http", "preview"))
    assert for_opd(document, "dispar", {"dispar/kunjungan"}) is None


def test_long_digest_is_shortened_with_a_note() -> None:
    document = made(*(known("failed", f"a/{n}", "x" * 300) for n in range(50)))
    assert "- … dan 30 lagi" in plain(document) and "dan 30 lagi" in html(document)
    short = plain(document, 4000)
    assert len(short) <= 4000
    assert short.endswith("… terpotong. Selengkapnya: `gudang alerts preview`, `gudang status`.\n")


def test_problem_contains_no_personal_value_secret_or_control_code() -> None:
    message = f"baris 3: nik {NIK}\nsurel budi@warga.example, sandi password=abc \x1b[31m"
    problem = Problem("failed", f"a/{NIK}", message, "1")
    assert problem.subject == "a/***"
    for hidden in (NIK, "budi@", "abc", "\x1b", "\n"):
        assert hidden not in problem.message
    assert len(Problem("failed", "a/b", "x" * 9999, "1").message) == LONGEST


def test_urgent_message_names_the_problem_in_its_first_line() -> None:
    document = urgent(known("disk_low", "/srv", "sisa 1 GB", times=3), "http://uji")
    assert plain(document).splitlines() == [
        "Segera: Disk hampir penuh: /srv",
        "",
        "Disk hampir penuh:",
        "- /srv: sisa 1 GB (sudah 3 kali sejak 24-11 03.30)",
    ]
