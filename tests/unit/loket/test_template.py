"""A form from a contract: the header is the promised one, and each column says and limits what it may hold."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.loket.template import csv_template, file_name, has_template, is_csv, workbook_template
from pipelines.loket.uploads import preview
from tests.support.contracts import column, document, make, upload
from tests.support.repository import own_contracts

FORMS = [contract for contract in own_contracts() if has_template(contract)]


def sheets(contract: Contract) -> Any:
    return openpyxl.load_workbook(io.BytesIO(workbook_template(contract)))


def contract(folder: Path, *columns: dict[str, Any], **extract: Any) -> Contract:
    form = {"format": "xlsx", "pattern": "*.xlsx", **extract}
    return make(folder, document("uji/data", [*columns], upload("uji/data", form["format"]), extract=form))


@pytest.mark.parametrize("of", FORMS, ids=lambda c: c.key)
def test_each_form_of_the_province_has_the_header_that_its_load_wants(of: Contract, tmp_path: Path) -> None:
    suffix = ".csv" if is_csv(of) else ".xlsx"
    if is_csv(of) and of.extract.member is not None:  # type: ignore[union-attr]
        pytest.skip("its CSV is sent in a ZIP")
    path = tmp_path / file_name(of, suffix)
    path.write_bytes(csv_template(of) if is_csv(of) else workbook_template(of))
    # The header is read, and then there is no row. Nothing else is wrong with it.
    with pytest.raises(SourceError, match="ada baris judul tetapi tidak ada baris data"):
        preview(path.parent, of, path, path.name)


def test_a_class_is_chosen_from_a_list_of_any_length(tmp_path: Path) -> None:
    classes = [{"value": f"{n:03}", "label": f"Kelas nomor {n}"} for n in range(300)]
    book = sheets(contract(tmp_path, column("kelas", enum=classes, required=True), column("catatan")))
    (limit,) = book["Data"].data_validations.dataValidation
    assert (limit.type, limit.formula1, limit.allow_blank) == ("list", "'Pilihan'!$A$2:$A$301", False)
    assert book["Pilihan"].sheet_state == "hidden"
    assert [cell.value for cell in book["Pilihan"]["A"]][:2] == ["kelas", "000"]  # text: the zeros stay


@pytest.mark.parametrize(
    ("of", "limit"),
    [
        (
            column("n", "integer", logicalTypeOptions={"minimum": 1, "maximum": 5}),
            ("whole", "between", "1", "5"),
        ),
        (
            column("n", "numeric", logicalTypeOptions={"minimum": 0}),
            ("decimal", "greaterThanOrEqual", "0", None),
        ),
        (column("n", logicalTypeOptions={"maxLength": 5}), ("textLength", "between", "0", "5")),
        (column("n", "numeric", parse="angka_id"), None),
        (column("n", "integer", missing_values=["-"]), None),
        (column("n", "date"), None),
    ],
)
def test_a_sheet_refuses_what_it_can_judge(tmp_path: Path, of: dict[str, Any], limit: object) -> None:
    found = sheets(contract(tmp_path, of))["Data"].data_validations.dataValidation
    shown = [(one.type, one.operator, one.formula1, one.formula2) for one in found]
    assert shown == ([limit] if limit else [])


def test_a_sheet_asks_about_an_unusual_value_that_may_be_confirmed(tmp_path: Path) -> None:
    options = {"minimum": 1, "maximum": 5}
    soft = column("lunak", "integer", konfirmasi=["maximum"], logicalTypeOptions=options)
    hard = column("keras", "integer", logicalTypeOptions=options)
    found = sheets(contract(tmp_path, soft, hard))["Data"].data_validations.dataValidation
    assert [one.errorStyle for one in found] == ["warning", None]


def test_the_sheet_that_explains_is_one_that_no_load_reads(tmp_path: Path) -> None:
    columns = [column("lembar", physicalName="@sheet"), column("nilai", "integer", description="=1+1")]
    book = sheets(contract(tmp_path, *columns, sheets="P*"))
    assert book.sheetnames == ["P1", "_Petunjuk"]
    assert [cell.value for cell in book["P1"][1]] == ["nilai"]
    formulas = [c.coordinate for row in book["_Petunjuk"].iter_rows() for c in row if c.data_type == "f"]
    assert formulas == []


def test_a_header_of_several_rows_is_grouped_as_the_contract_names_it(tmp_path: Path) -> None:
    columns = [
        column("no", physicalName="No"),
        column("laki", physicalName="Jumlah / Jiwa / L"),
        column("puan", physicalName="Jumlah / Jiwa / P"),
        column("kk", physicalName="Jumlah / Keluarga"),
    ]
    sheet = sheets(contract(tmp_path, *columns, header_row=2, header_rows=3))["Data"]
    rows = [[cell.value for cell in row] for row in sheet["A2:D4"]]
    assert rows == [
        ["No", "Jumlah", None, None],
        [None, "Jiwa", None, "Keluarga"],
        [None, "L", "P", None],
    ]
    assert sorted(map(str, sheet.merged_cells.ranges)) == ["B2:D2", "B3:C3"]


def test_a_file_has_a_name_that_its_dataset_takes(tmp_path: Path) -> None:
    of = contract(tmp_path, column("n"), pattern="penduduk_20??.xlsx")
    assert file_name(of, ".xlsx") == "penduduk_2011.xlsx"
