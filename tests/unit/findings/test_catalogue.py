"""The catalogue of findings is complete, and its codes are never given again."""

from __future__ import annotations

import re

import pytest
import yaml

from pipelines.findings.catalogue import (
    CODE,
    KINDS,
    Severity,
    catalogue,
    code_of,
    code_of_expectation,
    entry,
    parsed,
)
from pipelines.load.failures import OF_THE_ROWS

ENTRY = {
    "code": "GDK-B001",
    "severity": "galat",
    "title": "Judul",
    "sentence": "Kalimat.",
    "fix": "Saran.",
    "before": "a",
    "after": "b",
}


def text(*entries: dict[str, object], retired: dict[str, str] | None = None) -> str:
    return yaml.safe_dump({"version": 1, "retired": retired or {}, "entries": [ENTRY | e for e in entries]})


def test_every_code_that_was_ever_given_is_in_use_or_retired() -> None:
    """Codes of a letter are given in order without a gap: so one that was deleted and not retired is seen."""
    found = catalogue()
    codes = [*found.entries, *found.retired]
    for letter in KINDS:
        numbers = sorted(int(code[5:]) for code in codes if code[4] == letter)
        assert numbers == list(range(1, len(numbers) + 1)), letter


def test_every_entry_explains_itself() -> None:
    for found in catalogue().entries.values():
        assert CODE.fullmatch(found.code)
        texts = (found.title, found.sentence, found.fix, found.before, found.after)
        assert all(text.strip() for text in texts), found.code
        assert not found.title.endswith("."), found.code
        assert found.sentence.endswith("."), found.code
        assert found.fix.endswith("."), found.code
        assert found.before != found.after, found.code


_BEYOND_AN_OPD = re.compile(
    r"bersama OPD|dengan OPD|kepada OPD|tahu OPD|kueri|extract|physicalName|pagination|pg_|`gudang|jalankan|muat dulu"
    r"|muat lagi|perbaiki .* di kontrak|domain|minta lebih|batasnya\\.",
    re.IGNORECASE,
)
_OF_LOADS_TOLD = {"GDK-M011", "GDK-M013", *OF_THE_ROWS}


def test_opd_is_told_only_what_is_in_its_power() -> None:
    """Of loads only these codes are told; of contracts none."""
    told = [e for e in catalogue().entries.values() if e.code[4] in "BFST" or e.code in _OF_LOADS_TOLD]
    assert {e.code: found.group() for e in told if (found := _BEYOND_AN_OPD.search(e.fix_for_opd))} == {}
    for found in catalogue().entries.values():
        assert found.fix_by_opd != found.fix, found.code
        assert not found.fix_by_opd or (found in told and found.fix_by_opd.endswith(".")), found.code


def test_titles_are_different() -> None:
    titles = [found.title for found in catalogue().entries.values()]
    assert len(set(titles)) == len(titles)


def test_rule_leads_to_its_entry() -> None:
    assert entry(code_of("wajib")).title == "Sel wajib kosong"
    assert entry(code_of("kunci_ganda")).kind == "Baris"
    with pytest.raises(KeyError):
        code_of("aturan yang tidak ada")


def test_expectation_without_an_entry_of_its_own_has_the_general_code() -> None:
    assert code_of_expectation("expect_column_values_to_not_be_null") == code_of_expectation("not_null")
    assert code_of_expectation("expect_column_mean_to_be_between") == code_of("lainnya")


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (text({"code": "GDK-X001"}), "GDK-X001 is no code"),
        (text({}, {}), "GDK-B001 was given before"),
        (text({}, retired={"GDK-B001": "2026-11-27: tidak dipakai"}), "GDK-B001 was given before"),
        (text({"rules": ["wajib"]}, {"code": "GDK-B002", "rules": ["wajib"]}), "wajib has another code"),
        (text({"severity": "fatal"}), "fatal"),
    ],
)
def test_catalogue_that_contradicts_itself_is_refused(given: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parsed(given)


def test_severities_are_the_words_that_the_opd_reads() -> None:
    assert {str(s) for s in Severity} == {"galat", "peringatan", "perlu konfirmasi"}
