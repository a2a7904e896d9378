"""Makes the form that an OPD fills in for a dataset: a workbook with choices and limits from the contract, or a CSV.

What belongs here: headers, lists of classes, limits, and the sheet that explains the columns. Not here: reading a
filled form, which is a load's like that of every other file.

A form has no row of data: the example stands on the sheet that explains, which no load reads.
"""

from __future__ import annotations

import csv
import io
import re
from fnmatch import fnmatchcase
from itertools import groupby
from typing import TYPE_CHECKING

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.contracts.upload import AUTO, FILE, SHEET, WORKBOOKS, FileExtract
from pipelines.errors import ContractError
from pipelines.extract.upload.table import LEVELS

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.datavalidation import DataValidation
    from openpyxl.worksheet.worksheet import Worksheet

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CHOICES = "Pilihan"
_LAST_ROW = 1_048_576
"""The last row of a sheet (Excel specifications and limits)."""
_AS_TYPED = frozenset({"teks", "petik_excel", "bilangan_bulat", "bulatkan"})
"""Repairs after which a number may still be typed as a number; the others expect another spelling."""
_NUMBERED = re.compile(r"#[0-9]+$")
_BLUE, _SOFT, _REQUIRED = "FF00446B", "FFF3F6F8", "FFFFF4DC"
_KINDS = {
    "string": "teks",
    "integer": "bilangan bulat",
    "number": "angka",
    "boolean": "ya atau tidak",
    "date": "tanggal",
    "time": "jam",
    "timestamp": "tanggal dan jam",
}
_EXAMPLES = {
    "string": "contoh isian",
    "integer": "10",
    "number": "12,5",
    "boolean": "ya",
    "date": "2026-01-31",
    "time": "08:30",
    "timestamp": "2026-01-31 08:30",
}


def has_template(contract: Contract) -> bool:
    """Whether there is a form for the dataset: its files are workbooks or CSV files."""
    return isinstance(contract.extract, FileExtract) and contract.extract.format in ("csv", *WORKBOOKS)


def is_csv(contract: Contract) -> bool:
    """Whether the dataset's files are CSV files; a workbook must be saved as one before it is sent."""
    return _extract(contract).format == "csv"


def file_name(contract: Contract, suffix: str) -> str:
    """The name of the form: one that the contract takes, wherever `suffix` allows that."""
    name = f"{contract.dataset}{suffix}"
    pattern = _extract(contract).pattern
    if fnmatchcase(name.lower(), pattern.lower()) or not pattern.lower().endswith(suffix):
        return name
    return _fitting(pattern)


def csv_template(contract: Contract) -> bytes:
    """The form as CSV: only the lines down to the header, in the contract's dialect."""
    extract = _extract(contract)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";" if extract.delimiter == AUTO else extract.delimiter)
    for line in _above(contract):
        writer.writerow([line])
    writer.writerows(_header(contract))
    return text.getvalue().encode("utf-8" if extract.encoding == AUTO else extract.encoding)


def workbook_template(contract: Contract) -> bytes:
    """The form as a workbook: a sheet to fill in, one that explains, and a hidden one with the lists of classes."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = _sheet_name(contract)
    _fill(sheet, contract)
    _explain(book.create_sheet(_other_name(contract, "Petunjuk")), contract)
    _choices(book, sheet, contract)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _fill(sheet: Worksheet, contract: Contract) -> None:
    """Writes the title, the header, and what each column may hold."""
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    extract = _extract(contract)
    for row, line in enumerate(_above(contract), 1):
        sheet.cell(row, 1, line).font = Font(bold=row == 1, color=_BLUE)
    header = _header(contract)
    for row, names in enumerate(header, extract.header_row):
        for place, name in enumerate(names, 1):
            cell = sheet.cell(row, place, name or None)
            cell.font = Font(bold=True, color="FFFFFFFF")
            cell.fill = PatternFill("solid", fgColor=_BLUE)
            cell.alignment = Alignment(wrap_text=True, vertical="center")
        for first, last in _spans(header, row - extract.header_row):
            sheet.merge_cells(start_row=row, end_row=row, start_column=first, end_column=last)
    first_row = extract.header_row + extract.header_rows
    for place, column in enumerate(_columns(contract), 1):
        letter = get_column_letter(place)
        note = Comment(
            f"{column.title}\n{column.description}\n{_rule(column)}", "Gudang Data Kaltim", 140, 320
        )
        sheet.cell(extract.header_row + len(_levels(column)) - 1, place).comment = note
        sheet.column_dimensions[letter].width = max(12, min(36, len(_levels(column)[-1]) + 4))
        # The format of the whole column: leading zeros of a code stay, a date is shown as one.
        sheet.column_dimensions[letter].number_format = _format(column)
        if (limit := _limit(column)) is not None:
            limit.add(f"{letter}{first_row}:{letter}{_LAST_ROW}")
            sheet.add_data_validation(limit)
    sheet.freeze_panes = f"A{first_row}"


def _explain(sheet: Worksheet, contract: Contract) -> None:
    """Writes the sheet that explains the columns, with an example of each."""
    from openpyxl.styles import Alignment, Font, PatternFill

    wrapped = Alignment(wrap_text=True, vertical="top")
    sheet["A1"] = f"Petunjuk pengisian: {contract.title}"
    sheet["A1"].font = Font(bold=True, size=14, color=_BLUE)
    for row, line in enumerate(_instructions(contract, sheet.title), 2):
        sheet.cell(row, 1, line)
    top = sheet.max_row + 2
    for place, (head, width) in enumerate(
        (("Kolom", 26), ("Arti", 48), ("Wajib", 9), ("Isian", 44), ("Contoh (bukan data)", 24)), 1
    ):
        cell = sheet.cell(top, place, head)
        cell.font = Font(bold=True, color="FFFFFFFF")
        cell.fill = PatternFill("solid", fgColor=_BLUE)
        sheet.column_dimensions["ABCDE"[place - 1]].width = width
    for row, column in enumerate(_columns(contract), top + 1):
        required = column.required or column.key
        values = (
            column.source_name, f"{column.title}. {column.description}", "ya" if required else "",
            _rule(column), _example(column),
        )  # fmt: skip
        for place, value in enumerate(values, 1):
            cell = sheet.cell(row, place, value)
            # A pattern or a description that begins with "=" is text.
            cell.data_type = "s" if value else cell.data_type
            cell.alignment = wrapped
            if required:
                cell.fill = PatternFill("solid", fgColor=_REQUIRED if place == 3 else _SOFT)
    sheet.freeze_panes = f"B{top + 1}"


def _instructions(contract: Contract, own: str) -> list[str]:
    extract = _extract(contract)
    lines = [
        f"Isi lembar {_sheet_name(contract)!r} mulai baris {extract.header_row + extract.header_rows};"
        " jangan mengubah baris judul.",
        f"Lembar {own!r} ini tidak dimuat. Kolom yang wajib ditandai.",
    ]
    if extract.sheets:
        lines.append(
            f"Beri tiap lembar data nama menurut pola {extract.sheets}; salin lembarnya bila perlu lebih dari satu."
        )
    if extract.format == "csv":
        delimiter = {";": "titik koma", ",": "koma", "\t": "tab"}.get(extract.delimiter, extract.delimiter)
        lines.append(
            f"Simpan lembar data sebagai CSV (pemisah {delimiter}, UTF-8) sebelum dikirim; buku kerja ini sendiri tidak"
            " diterima untuk dataset ini."
        )
    if extract.member is not None:
        lines.append("Berkas itu dikirim di dalam ZIP.")
    lines.append(f"Nama berkas yang diterima: {extract.pattern}")
    return lines


def _choices(book: Workbook, sheet: Worksheet, contract: Contract) -> None:
    """Writes the lists of classes, and lets the cells of their columns offer them."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    columns = [(place, c) for place, c in enumerate(_columns(contract), 1) if c.enum]
    if not columns:
        return
    extract = _extract(contract)
    name = _other_name(contract, _CHOICES)
    lists = book.create_sheet(name)
    lists.sheet_state = "hidden"
    for number, (place, column) in enumerate(columns, 1):
        letter = get_column_letter(number)
        lists.cell(1, number, column.name)
        for row, (value, _) in enumerate(column.enum, 2):
            cell = lists.cell(row, number, value)
            cell.data_type = "s"
        source = f"'{name}'!${letter}$2:${letter}${len(column.enum) + 1}"
        limit = DataValidation("list", formula1=source, allow_blank=not column.required)
        _say(limit, column, "Pilih salah satu isian dari daftar.")
        into = get_column_letter(place)
        limit.add(f"{into}{extract.header_row + extract.header_rows}:{into}{_LAST_ROW}")
        sheet.add_data_validation(limit)


def _limit(column: Column) -> DataValidation | None:
    """What a spreadsheet can refuse while a cell is filled in; None where it can't know."""
    from openpyxl.worksheet.datavalidation import DataValidation

    blank = not column.required
    limit: DataValidation | None = None
    low, high = column.minimum, column.maximum
    typed = _AS_TYPED.issuperset(column.parse) and not column.missing_values
    if column.enum or column.pseudonymise:
        return None
    if column.logical_type in ("integer", "number") and typed:
        kind = "whole" if column.logical_type == "integer" else "decimal"
        if low is not None and high is not None:
            limit = DataValidation(kind, operator="between", formula1=low, formula2=high, allow_blank=blank)
        elif low is not None or high is not None:
            operator = "greaterThanOrEqual" if low is not None else "lessThanOrEqual"
            limit = DataValidation(kind, operator=operator, formula1=low or high, allow_blank=blank)
        else:
            far = "999999999999999"
            limit = DataValidation(
                kind, formula1=f"-{far}", formula2=far, operator="between", allow_blank=blank
            )
    elif column.logical_type == "string" and (column.max_length or column.min_length):
        least, most = column.min_length or 0, column.max_length or 32_767
        limit = DataValidation("textLength", operator="between", formula1=str(least), formula2=str(most))
        limit.allow_blank = blank
    if limit is not None:
        _say(limit, column, f"Seharusnya: {_rule(column)}")
        if column.soft_rules:
            limit.errorStyle = (
                "warning"  # an unusual value may be right: the spreadsheet asks, and lets it pass
            )
    return limit


def _say(limit: DataValidation, column: Column, error: str) -> None:
    limit.errorTitle, limit.error, limit.showErrorMessage = column.title[:32], error[:220], True


def _format(column: Column) -> str:
    """The number format of a column. Text, so that codes keep their zeros and dates stay as they were typed."""
    return "General" if column.logical_type in ("integer", "number") else "@"


def _rule(column: Column) -> str:
    """What a cell of the column may hold, in one line."""
    if column.enum:
        shown = "; ".join(v if v == label else f"{v} = {label}" for v, label in column.enum[:12])
        return f"salah satu dari: {shown}" + (
            f"; dan {len(column.enum) - 12} lagi" if len(column.enum) > 12 else ""
        )
    parts = [_KINDS[column.logical_type]]
    if column.logical_type == "date" and not column.parse:
        parts.append("ditulis tttt-bb-hh")
    if column.minimum is not None:
        parts.append(f"paling kecil {column.minimum}")
    if column.maximum is not None:
        parts.append(f"paling besar {column.maximum}")
    if column.max_length is not None:
        parts.append(f"paling banyak {column.max_length} huruf")
    if column.pattern or column.format:
        parts.append(f"bentuk {column.format or column.pattern}")
    if column.unit:
        parts.append(f"satuan {column.unit}")
    return ", ".join(parts)


def _example(column: Column) -> str:
    """A made-up value for the sheet that explains."""
    if column.enum:
        return column.enum[0][0]
    if column.pattern or column.format:
        return ""
    if column.logical_type in ("integer", "number") and column.minimum is not None:
        return column.minimum
    return _EXAMPLES[column.logical_type]


def _header(contract: Contract) -> list[list[str]]:
    """The rows of the header, each with a cell per column."""
    levels = [_levels(column) for column in _columns(contract)]
    rows = _extract(contract).header_rows
    return [[names[row] if row < len(names) else "" for names in levels] for row in range(rows)]


def _levels(column: Column) -> list[str]:
    return _NUMBERED.sub("", column.source_name).split(LEVELS)


def _spans(header: list[list[str]], row: int) -> list[tuple[int, int]]:
    """First and last place of each group of columns that share their names down to this row and have one below."""
    if row + 1 >= len(header):
        return []
    places = range(len(header[0]))
    groups = groupby(
        places, key=lambda at: ([line[at] for line in header[: row + 1]], bool(header[row + 1][at]))
    )
    found = [(key[1], [*group]) for key, group in groups]
    return [(group[0] + 1, group[-1] + 1) for has_below, group in found if has_below and len(group) > 1]


def _columns(contract: Contract) -> list[Column]:
    """The columns of the file, each once, in the contract's order."""
    named = {c.source_name: c for c in contract.columns if c.source_name not in (SHEET, FILE)}
    return [*named.values()]


def _above(contract: Contract) -> list[str]:
    """The lines above the header; the load does not read them."""
    lines = [contract.title, contract.producer, "Isi mulai di bawah baris judul."]
    return (lines + [""] * 20)[: _extract(contract).header_row - 1]


def _sheet_name(contract: Contract) -> str:
    extract = _extract(contract)
    return _fitting(extract.sheet or extract.sheets or "Data")[:31]


def _other_name(contract: Contract, wanted: str) -> str:
    """A name for a sheet that no load reads."""
    pattern = _extract(contract).sheets or ""
    return next(n for n in (wanted, f"_{wanted}", f"~ {wanted}") if not fnmatchcase(n, pattern))


def _fitting(pattern: str) -> str:
    """A name that a pattern of file names or sheets matches."""
    name = re.sub(r"\[([^]!])[^]]*\]", r"\1", pattern)
    return name.replace("*", "1").replace("?", "1")


def _extract(contract: Contract) -> FileExtract:
    if not isinstance(contract.extract, FileExtract):
        raise ContractError(
            contract.key,
            "dataset ini bukan unggahan",
            hint="lihat docs/contracts/uploads.md",
            code="GDK-K022",
        )
    return contract.extract
