"""Which names of a source may be shown and stored. All persons are made up."""

from __future__ import annotations

from dataclasses import replace

from pipelines.extract.source_names import (
    SHOWN,
    fold,
    listed,
    may_show_unknown_names,
    redact_names,
    shown_name,
    storable_shape,
)
from tests.support.extracts import column, upload_contract

OPEN = upload_contract("id", "nilai")
PERSONAL = upload_contract("id", replace(column("nama"), classification="pribadi", pseudonymise="layanan"))
NIK = "6472-0152-0390-0001"


def test_names_are_compared_without_invisible_characters_and_unicode_forms() -> None:
    assert fold("\ufeff kode\u00a0 \n wilayah ") == "kode wilayah"
    assert fold("cafe\u0301") == fold("caf\u00e9")


def test_listed_names_are_limited_and_those_of_persons_masked() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([f"k{n}" for n in range(SHOWN + 3)]).endswith("k19 dan 3 lainnya")
    assert listed([NIK, "a"]) == "***, a"


def test_unknown_names_are_shown_only_if_no_column_is_personal() -> None:
    assert may_show_unknown_names(OPEN) and not may_show_unknown_names(PERSONAL)
    assert (shown_name(OPEN, "Budi"), shown_name(OPEN, NIK), shown_name(PERSONAL, "Budi")) == (
        "Budi",
        "***",
        None,
    )
    assert redact_names(OPEN, ["id", "Budi"]) == "id, Budi"
    assert redact_names(PERSONAL, ["id", "Budi"], ["id", "nama", "Budi"]) == "id, kolom ke-3"
    assert redact_names(PERSONAL, ["Budi", "Siti", "nama"]) == "nama, 2 nama yang tidak ditampilkan"


def test_stored_shape_has_hashes_in_place_of_personal_names() -> None:
    kept = storable_shape(PERSONAL, {"id": "integer", "Budi": "text"})
    hashed = next(name for name in kept if name != "id")
    assert len(hashed) == 4 and hashed.startswith("?") and kept[hashed] == "text"
    assert storable_shape(PERSONAL, kept) == kept, "hashing twice changes nothing"
    shape = storable_shape(OPEN, {"lain": "text", NIK: "text"})
    assert "lain" in shape and NIK not in shape
