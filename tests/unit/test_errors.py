"""An error contains no personal number, wherever it is printed, logged or stored."""

from __future__ import annotations

from pipelines.errors import ContractError, SourceError

NIK, NIP = "6472 0152 0390 0001", "198503122010011001"


def test_personal_number_in_any_part_of_an_error_is_masked() -> None:
    error = SourceError(f"uji/{NIK}", f"berkas {NIK}.csv, NIP {NIP}", hint=f"tanya {NIP}", transient=True)
    assert str(error) == "uji/***: berkas ***.csv, NIP *** (tanya ***) [GDK-S001]"
    assert (error.subject, error.message, error.hint) == ("uji/***", "berkas ***.csv, NIP ***", "tanya ***")
    assert error.args == (str(error),) and error.transient


def test_counts_codes_and_contacts_of_an_office_are_kept() -> None:
    text = "1500000000000000 ton, 64.72.05.1004, diskominfo@kaltimprov.go.id, 0541-123456"
    assert ContractError("uji/data", text).message == text
