"""Numbers and dates in Indonesian notation."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pipelines.publication import indonesian


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (1234.56, 2, "1.234,56"),
        (881225, 0, "881.225"),
        (Decimal("3.4"), 2, "3,40"),
        (-0.18, 2, "\N{MINUS SIGN}0,18"),
        (0, 0, "0"),
        (None, 2, "\N{EN DASH}"),
    ],
)
def test_number_has_dots_for_thousands_and_a_decimal_comma(
    value: float | None, decimals: int, text: str
) -> None:
    assert indonesian.number(value, decimals) == text


@pytest.mark.parametrize(("share", "text"), [(1.0, "100%"), (0.9999, "99,9%"), (0.714, "71,4%"), (0.0, "0%")])
def test_share_below_one_is_never_rounded_to_100_per_cent(share: float, text: str) -> None:
    assert indonesian.per_cent(share) == text


def test_times_are_shown_in_wita() -> None:
    at = datetime(2026, 12, 31, 16, 5, tzinfo=UTC)
    assert indonesian.moment(at) == "1 Januari 2027, pukul 00.05 WITA"
    assert indonesian.short_day(at) == "1 Jan 2027"
    assert indonesian.short_day(None) == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (1, "hari"),
        (7, "minggu"),
        (Decimal("30.4"), "bulan"),
        (365, "tahun"),
        (Decimal("0.25"), "6 jam"),
        (10, "10 hari"),
    ],
)
def test_period_is_a_word_if_there_is_one(days: Decimal, text: str) -> None:
    assert indonesian.period(Decimal(days)) == text
    assert indonesian.period(None) == "tidak tetap"


def test_unknown_code_is_shown_unchanged() -> None:
    assert indonesian.rule("wajib") == "Sel wajib kosong [GDK-B001]"
    assert indonesian.rule("aturan_baru") == "aturan baru"
    assert indonesian.source("sftp") == "sftp"
