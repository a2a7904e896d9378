"""The key of a pseudonym: the key of its purpose, or else the common key."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import ContractError
from pipelines.load.pseudonyms import pseudonym_key, purposes
from tests.support.contracts import column
from tests.support.statements import ID, contract_of

COMMON, OWN = "c" * 32, "o" * 32


def test_purpose_has_its_own_key_or_else_the_common_one() -> None:
    env = {"GUDANG_PSEUDONYM_KEY": COMMON, "GUDANG_PSEUDONYM_KEY_KESEHATAN": OWN}
    assert pseudonym_key("uji/data", "kesehatan", env) == OWN.encode()
    assert pseudonym_key("uji/data", "pendidikan", env) == COMMON.encode()


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({}, "GUDANG_PSEUDONYM_KEY_KESEHATAN maupun GUDANG_PSEUDONYM_KEY belum diisi, padahal kolom pribadi"),
        (
            {"GUDANG_PSEUDONYM_KEY": "pendek"},
            "GUDANG_PSEUDONYM_KEY lebih pendek dari 32 karakter, padahal kolom pribadi",
        ),
    ],
)
def test_missing_or_short_key_is_a_contract_error_that_does_not_show_it(
    env: dict[str, str], message: str
) -> None:
    with pytest.raises(ContractError) as caught:
        pseudonym_key("uji/data", "kesehatan", env)
    assert caught.value.message.startswith(message)
    assert "pendek," not in str(caught.value)


def test_purposes_are_those_of_stored_columns(tmp_path: Path) -> None:
    person = {"classification": "pribadi"}
    contract = contract_of(
        tmp_path,
        ID,
        column("nik", pseudonymise="kesehatan", **person),
        column("nip", pseudonymise="pegawai", **person),
        column("nama", drop=True, **person),
    )
    assert purposes(contract) == ("kesehatan", "pegawai")
