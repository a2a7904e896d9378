"""Which repairs and classes a contract may declare for a column, and which declarations contradict each other."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.files import Fault, read_contract
from pipelines.contracts.repairs import PARSERS, factors, known_words
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.one_pass import repairs
from pipelines.load.stage.rules import rules
from pipelines.quality.suites import derived
from tests.support.contracts import column, database, document, make, write

CLASSES = [
    {"value": "L", "label": "Laki-laki", "customProperties": [{"property": "alias", "value": ["Pria", "1"]}]},
    {"value": "P", "label": "Perempuan", "customProperties": [{"property": "alias", "value": "Wanita"}]},
]


def contract_document(*columns: dict[str, Any]) -> dict[str, Any]:
    return document("dinas/uji", list(columns), database("UJI_URL"), extract={"table": "sumber"})


def faults_of(folder: Path, *columns: dict[str, Any]) -> list[Fault]:
    contract, faults = read_contract(write(folder, contract_document(*columns)))
    assert (contract is None) == bool(faults)
    return faults


def test_parse_is_one_name_or_several_in_their_order(tmp_path: Path) -> None:
    several = ["kira_kira", "catatan_kaki", "angka_id", "bilangan_bulat"]
    made = make(
        tmp_path,
        contract_document(column("a", "date", parse="tanggal_id"), column("b", "integer", parse=several)),
    )
    assert made.column("a").parse == ("tanggal_id",)
    assert made.column("b").parse == tuple(several)


@pytest.mark.parametrize(
    ("prop", "message"),
    [
        (column("a", "integer", parse="angka"), "a: parse 'angka' tidak dikenal"),
        (column("a", "text", parse="angka_id"), "a: parse angka_id tidak menghasilkan text"),
        (column("a", "integer", parse=["bilangan_bulat", "bilangan_bulat"]), "a: parse menyebut satu perbaikan dua kali"),
        (column("a", "integer", parse=["angka_id", "teks"]), "a: urutan parse salah: merapikan teks, lalu membaca"),
        (column("a", "numeric", parse=["persen", "angka_id"]), "a: parse membaca sel yang sama dua kali: persen, angka_id"),
        (column("a", "numeric", parse="satuan", satuan="jiwa"), "a: parse satuan tidak dapat mengubah ke satuan 'jiwa'"),
        (column("a", "numeric", parse="satuan"), 'a: perbaikan "satuan" memerlukan kunci satuan pada kolom itu'),
        (column("a", parse="kode"), "a: parse kode memerlukan panjang kode"),
        (column("a", parse="klasifikasi"), "a: parse klasifikasi memerlukan daftar kelas"),
        (column("a", enum=CLASSES), "a: enum mempunyai alias, tetapi tidak ada yang membacanya"),
        (
            column("a", parse="klasifikasi", enum=[{"value": "1", "label": "Baik"}, {"value": "2", "label": "baik"}]),
            "a: 'baik' berarti '1' dan '2'",
        ),
        (column("a", logicalTypeOptions={"format": "ktp"}), "a: format 'ktp' tidak dikenal"),
        (column("a", "date", logicalTypeOptions={"format": "yyyy-MM-dd"}), "a: format 'yyyy-MM-dd' hanya untuk string"),
    ],
)  # fmt: skip
def test_contradicting_declaration_is_a_fault_at_its_property(
    tmp_path: Path, prop: dict[str, Any], message: str
) -> None:
    (fault,) = faults_of(tmp_path, column("lain"), prop)
    assert fault.message.startswith(message)
    text = fault.path.read_text("utf-8").splitlines()
    assert "name: a" in text[fault.line - 1]


def test_faults_of_all_columns_are_reported_together(tmp_path: Path) -> None:
    found = faults_of(
        tmp_path, column("a", parse="x"), column("b", "date", parse="angka_id"), column("c", parse="kode")
    )
    assert [fault.message.split(":")[0] for fault in found] == ["a", "b", "c"]


def test_column_may_declare_several_parsers_of_dates(tmp_path: Path) -> None:
    make(
        tmp_path, contract_document(column("a", "date", parse=["tanggal_nol", "serial_excel", "tanggal_id"]))
    )


def test_units_are_converted_by_exact_powers_of_ten_within_their_dimension() -> None:
    assert factors("kg")["ton"] == 1000 and factors("ton")["kg"] == Decimal("0.001")
    assert factors("hektare")["m2"] == Decimal("0.0001") and factors("m3")["liter"] == Decimal("0.001")
    assert factors("Kuintal")["kg"] == Decimal("0.01")
    assert "ha" not in factors("kg")
    assert factors("jiwa") == {} and factors(None) == {}


def test_class_is_found_by_value_label_and_alias(tmp_path: Path) -> None:
    made = make(tmp_path, contract_document(column("a", parse="klasifikasi", enum=CLASSES))).column("a")
    assert made.enum == (("L", "Laki-laki"), ("P", "Perempuan"))
    words = known_words(made)
    assert {word: words[word] for word in ("L", "l", "laki-laki", "pria", "1", "wanita")} == dict.fromkeys(
        ("L", "l", "laki-laki", "pria", "1"), "L"
    ) | {"wanita": "P"}


def test_format_is_a_rule_and_an_expectation_but_no_expectation_for_a_pseudonym(
    tmp_path: Path,
) -> None:
    form = {"logicalTypeOptions": {"format": "nik"}}
    hidden = column("a", classification="pribadi", pseudonymise="uji", **form)
    made = make(tmp_path, contract_document(hidden, column("b", logicalTypeOptions={"format": "npsn"})))
    found = {rule.column.name: rule for rule in rules(made) if rule.name == "format"}
    assert found["a"].message == "a: bukan NIK" and "16 angka" in found["a"].hint
    assert [e.name for e in derived(made) if e.name.startswith("format")] == ["format_b"]


def test_no_repairs_are_counted_if_none_are_declared(tmp_path: Path) -> None:
    assert repairs(LoadPlan(make(tmp_path, contract_document(column("a"))), 1)) == []


def test_parsers_have_the_stages_zero_to_two() -> None:
    assert {parser.stage for parser in PARSERS.values()} == {0, 1, 2}
