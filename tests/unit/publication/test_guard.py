"""Which numbers are shaped like a NIK. All numbers are made up."""

from __future__ import annotations

import pytest

from pipelines.errors import PublicationError
from pipelines.publication.guard import check_text, is_text


@pytest.mark.parametrize(
    "text",
    [
        "6472010107900001",
        "NIK 6472014107900001.",
        "64.72.01.010790.0001",
        "647201 010790 0001",
        "647201-710790-9999",
    ],
)
def test_nik_is_found_alone_in_text_and_with_separators(text: str) -> None:
    with pytest.raises(PublicationError) as error:
        check_text("laporan.html", text)
    assert text not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "6472013207900001",  # day 32
        "6472010113900001",  # month 13
        "64720101079000012",  # 17 digits
        "0472010107900001",  # no province begins with 0
        "8.881.225.010.790.001",
        "9120001234567",  # an NIB
    ],
)
def test_other_long_numbers_are_accepted(text: str) -> None:
    check_text("laporan.html", text)


def test_values_of_unknown_types_are_scanned_as_text() -> None:
    assert is_text("jsonb")
    assert is_text("character varying")
    assert not is_text("numeric")
    assert not is_text("date")
