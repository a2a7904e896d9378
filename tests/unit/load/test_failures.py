"""The message of a failure says what happened and where. It never quotes the text of another program."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from pipelines.errors import LoadError, SourceError
from pipelines.load.failures import describe_failure, message_of

VALUE = "9901010101900001"


def test_own_error_is_kept_unchanged() -> None:
    ours = SourceError("dinkes/kunjungan", "zona unggah tidak menjawab", transient=True)
    assert describe_failure("dinkes/kunjungan", ours) is ours
    assert message_of(ours) == "zona unggah tidak menjawab"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError(VALUE), "ValueError yang tidak terduga"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (psycopg.OperationalError(VALUE), "koneksi ke gudang data terputus"),
        (psycopg.InterfaceError(VALUE), "driver gudang data menolak pemuatan: InterfaceError"),
        (errors.LockNotAvailable(VALUE), "sesi lain lebih dari 60 detik memegang baris atau tabel"),
        (errors.NumericValueOutOfRange(VALUE), "gudang data menolak pemuatan: "),
    ],
)
def test_text_of_a_foreign_error_is_not_quoted(error: BaseException, message: str) -> None:
    assert message_of(error).startswith(message) and VALUE not in message_of(error)


def test_foreign_error_becomes_an_error_of_the_dataset_with_a_hint() -> None:
    described = describe_failure("dinkes/kunjungan", errors.NumericValueOutOfRange(VALUE))
    assert isinstance(described, LoadError) and described.subject == "dinkes/kunjungan"
    assert described.hint == "jalankan lagi; jika tetap, laporkan baris ini"
    assert (
        describe_failure("dinkes/kunjungan", KeyError(VALUE)).hint
        == "kesalahan program; laporkan dengan baris ini"
    )
