"""Turns the columns of a contract into rules: one SQL predicate per rule, true for valid cells.

What belongs here: pure functions from contracts to SQL. The same predicates decide what reaches raw and what is
quarantined, so no row is ever in both or in neither. Not here: running SQL, what a type asks of a text
(cell_types.py), the cell's text and value (cells.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from pipelines.contracts.columns import Column, Reference
from pipelines.contracts.model import Contract
from pipelines.contracts.repairs import ERROR_TEXTS, FORMATS, decimals
from pipelines.load.stage import cell_types
from pipelines.load.stage.cells import castable, literals, sql_type
from pipelines.load.stage.pattern import matches

MASK = "***"
LONGEST_KEY = 600
"""Bytes of one key column's text. A longer key would make PostgreSQL stop the load: see LONGEST_ENTRY."""
LONGEST_ENTRY = 2_600
"""Bytes of all key columns together. A B-tree entry may have 2,704 bytes, including its own overhead."""
LONGEST_PSEUDONYM = 68
"""Bytes of a pseudonym in an index. A number or a time takes 16 at most."""
OF_A_KEY = frozenset({"wajib", "tipe", "jangkauan", "ketelitian", "kunci_panjang"})
"""Rules that a cell must keep to be usable as a key. A row that only breaks another rule still exists in the source."""
_SCIENTIFIC = r"^\s*[-+]?[0-9]+([.,][0-9]+)?[Ee]\+[0-9]+\s*$"
_SHOWN_CLASSES = 12


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one column.

    predicate: true for valid cells, and never NULL.
    message, hint: what the OPD reads of a cell that breaks it.
    shortcut: a cheap test. If it is true, the cell keeps this rule and the one before it in the list.
    """

    column: Column
    name: str
    predicate: sql.Composable
    message: str
    hint: str
    shortcut: sql.Composable | None = None


def all_kept(checked: Sequence[Rule]) -> sql.Composable:
    """Whether a row keeps every rule. A rule with a shortcut is combined with the rule before it, to save time."""
    predicates: list[sql.Composable] = []
    for rule in checked:
        if rule.shortcut is None:
            predicates.append(rule.predicate)
        else:
            predicates.append(
                sql.SQL("case when {} then true else {} and {} end").format(
                    rule.shortcut, predicates.pop(), rule.predicate
                )
            )
    return sql.SQL(" and ").join(predicates) if predicates else sql.SQL("true")


def rules(contract: Contract, exact: frozenset[str] = frozenset()) -> tuple[Rule, ...]:
    """All rules that a row can break independently of other rows. exact: names of the columns that landed typed."""
    kind = contract.server.kind
    longest = _longest_key(contract)
    found: list[Rule] = []
    for column in contract.stored:
        strict = kind != "database" or (bool(column.parse) and column.name not in exact)
        cell = _Cell(column, strict=strict, exact=column.name in exact, from_upload=kind == "upload")
        for family in _FAMILIES:
            found += family(cell)
        if _has_unbounded_key(column):
            found.append(_key_length(cell, longest))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A column's cell, with the SQL expressions that its rules need.

    strict: only the spellings that we allow in files; otherwise every spelling that PostgreSQL accepts.
    exact: the cell landed with the column's type.
    from_upload: the cell may come from a spreadsheet that a person filled in.
    """

    column: Column
    strict: bool
    exact: bool
    from_upload: bool

    @property
    def cell(self) -> sql.Composable:
        """The cleaned cell: a text, or of the column's own type if the column is exact."""
        return sql.Identifier("b", self.column.name)

    @property
    def text(self) -> sql.Composable:
        """The cleaned cell as text."""
        if self.exact and self.column.type != "text":
            return sql.SQL("{}::text").format(self.cell)
        return self.cell

    @property
    def castable(self) -> sql.Composable:
        """Whether the text can be cast to the column's type."""
        if self.exact or self.column.type == "text":
            return sql.SQL("true")
        return castable(self.column)

    @property
    def value(self) -> sql.Composable:
        """The cell cast to its type. Evaluate it only if the text is castable."""
        return self.cell if self.exact else sql.SQL("{}::{}").format(self.cell, sql_type(self.column.type))

    def filled(self, template: str) -> sql.Composed:
        """A template of cell_types.py, filled in for this cell."""
        scale = decimals(self.column.type) or 0
        return sql.SQL(template).format(  # type: ignore[arg-type]  # a constant of cell_types.py
            text=self.text,
            value=self.cell,
            type=sql_type(self.column.type),
            underscores=sql.SQL("_" * (scale + 1)),  # type: ignore[arg-type]
        )

    def rule(
        self,
        name: str,
        predicate: sql.Composable,
        message: str,
        hint: str,
        shortcut: sql.Composable | None = None,
    ) -> Rule:
        """A rule with this predicate, whose message names the column."""
        return Rule(self.column, name, predicate, f"{self.column.name}: {message}", hint, shortcut)

    def unless_empty(self, name: str, condition: sql.Composable, message: str, hint: str) -> Rule:
        """A rule that an empty cell keeps."""
        return self.rule(name, sql.SQL("({} is null or {})").format(self.cell, condition), message, hint)

    def where_castable(self, condition: sql.Composable) -> sql.Composable:
        """The condition, only for cells that can be cast to the column's type. Rule `tipe` refuses the others."""
        return sql.SQL("case when {} then {} else true end").format(self.castable, condition)


# -- presence and type ---------------------------------------------------------------------------------------


def _presence(cell: _Cell) -> Iterator[Rule]:
    if cell.column.required:
        there = sql.SQL("{} is not null").format(cell.cell)
        yield cell.rule("wajib", there, "wajib diisi", "isi kolom ini")


def _type(cell: _Cell) -> Iterator[Rule]:
    """The rule that the cell is a value of its type."""
    if cell.column.type == "text":
        return
    kind = cell_types.cell_type(cell.column.type)
    if not cell.exact:
        predicate = sql.SQL("({} is null or case when {} then {} else {} end)").format(
            cell.text, cell.castable, _is_well_spelled(cell, kind), _is_number(cell, kind)
        )
    elif kind.finite_value and not cell.strict:
        predicate = _finite(cell, kind.finite_value)
    else:
        return
    yield cell.rule("tipe", predicate, f"bukan {kind.label}", f"tulis sebagai {kind.label}")


def _type_range(cell: _Cell) -> Iterator[Rule]:
    """The rule that a number is not too large for the type. Rule `tipe` lets such numbers pass."""
    if cell.exact or cell.column.type == "text":
        return
    kind = cell_types.cell_type(cell.column.type)
    fault = cell_types.out_of_range(cell.column.type)
    if fault:
        fits = sql.SQL("({} is null or case when {} then true else not {} end)").format(
            cell.text, cell.castable, _is_number(cell, kind)
        )
        shortcut = sql.SQL("{} and {}").format(cell.castable, _quick_spelling(cell, kind))
        yield cell.rule("jangkauan", fits, *fault, shortcut)


def _is_well_spelled(cell: _Cell, kind: cell_types.CellType) -> sql.Composable:
    """Whether the spelling of a castable text is allowed for this source."""
    quick = _quick_spelling(cell, kind)
    if cell.strict and kind.spelling:
        return sql.SQL("{} or {} ~ {}").format(quick, cell.text, sql.Literal(kind.spelling.pattern))
    return quick


def _quick_spelling(cell: _Cell, kind: cell_types.CellType) -> sql.Composable:
    """A cheap test that is true only for allowed spellings. For a database it is the full test."""
    if cell.strict:
        return cell.filled(kind.spelling.canonical if kind.spelling else "true")
    return cell.filled(kind.finite_text or "true")


def _is_number(cell: _Cell, kind: cell_types.CellType) -> sql.Composable:
    """Whether a text that cannot be cast is still a number, only too large. False for a type that is no number."""
    if cell_types.out_of_range(cell.column.type) is None:
        return sql.SQL("false")
    pattern = cell_types.WHOLE_NUMBER if kind.bits else cell_types.DECIMAL_NUMBER
    return sql.SQL("{} ~ {}").format(cell.text, sql.Literal(pattern))


def _finite(cell: _Cell, template: str) -> sql.Composable:
    """Whether a typed value is neither NaN nor infinity."""
    if decimals(cell.column.type) is not None:
        template = "{value} <> 'NaN'"  # a numeric with a precision holds no infinity
    return sql.SQL("({} is null or {})").format(cell.cell, cell.filled(template))


def _precision(cell: _Cell) -> Iterator[Rule]:
    """The rule that the cast does not silently round or cut off the value."""
    if cell.exact or cell.column.type == "text":
        return
    kind = cell_types.cell_type(cell.column.type)
    scale = decimals(cell.column.type)
    precision = kind.precision
    if precision is None or cell.column.type == "numeric":
        return
    # For an empty cell each test is NULL, and `else true` decides.
    kept = sql.SQL("case when {} then true when {} then {} else true end").format(
        cell.filled(precision.quick), cell.castable, cell.filled(precision.exact)
    )
    shortcut = None
    if cell.strict and kind.spelling and precision.canonical is not None:
        # A canonical spelling is of the type and loses nothing: one test for the rules of type, range and precision.
        tests = [kind.spelling.canonical, *([precision.canonical] if precision.canonical else [])]
        shortcut = sql.SQL(" and ").join([cell.castable, *map(cell.filled, tests)])
    message, hint = (text.format(scale=scale) for text in (precision.message, precision.hint))
    yield cell.rule("ketelitian", kept, message, hint, shortcut)


# -- further rules of the contract ------------------------------------------------------------------


def _enum(cell: _Cell) -> Iterator[Rule]:
    values = [value for value, _ in cell.column.enum]
    if values:
        listed = sql.SQL("{} in ({})").format(cell.text, literals(values))
        hint = "pakai salah satu: " + ", ".join(values[:_SHOWN_CLASSES])
        yield cell.unless_empty("klasifikasi", listed, "nilai di luar klasifikasi isian", hint)


def _range(cell: _Cell) -> Iterator[Rule]:
    """The rules for the bounds of a number or a time, and for its multiples."""
    column = cell.column
    # Not numeric(p,s), which would round the bound.
    kind = sql_type(column.type.split("(")[0])
    for name, operator, bound, phrase in (
        ("minimum", sql.SQL(">="), column.minimum, "paling kecil"),
        ("maximum", sql.SQL("<="), column.maximum, "paling besar"),
        ("exclusive_minimum", sql.SQL(">"), column.exclusive_minimum, "harus lebih dari"),
        ("exclusive_maximum", sql.SQL("<"), column.exclusive_maximum, "harus kurang dari"),
    ):
        if bound is not None:
            within = sql.SQL("{} {} {}::{}").format(cell.value, operator, sql.Literal(bound), kind)
            message, hint = f"di luar rentang, {phrase} {bound}", f"periksa nilainya; {phrase} {bound}"
            yield cell.unless_empty(name, cell.where_castable(within), message, hint)
    if column.multiple_of is not None:
        multiple = sql.SQL("mod({}::numeric, {}::numeric) = 0").format(
            cell.value, sql.Literal(column.multiple_of)
        )
        phrase = f"kelipatan {column.multiple_of}"
        yield cell.unless_empty(
            "kelipatan", cell.where_castable(multiple), f"bukan {phrase}", f"periksa nilainya; {phrase}"
        )


def _spreadsheet(cell: _Cell) -> Iterator[Rule]:
    """The rules against damage by Excel: the error of a failed formula, and a long number without its last digits.

    In a column of another type, rule `tipe` refuses both.
    """
    column = cell.column
    if column.type != "text":
        return
    if cell.from_upload:
        failed = sql.SQL(
            "case when {0} like '#%' or {0} like 'Err:%' then {0} not in ({1}) and {0} !~ {2} else true end"
        ).format(cell.text, literals(ERROR_TEXTS), sql.Literal("^Err:[0-9]{3}$"))
        yield cell.unless_empty(
            "sel_galat",
            failed,
            "rumus di sel ini gagal (#N/A, #REF!, dan sejenisnya)",
            "perbaiki rumusnya, atau isi nilainya, lalu kirim lagi",
        )
    if cell.from_upload or "kode" in column.parse or column.format not in (None, "email"):
        no_exponent = sql.SQL("case when {0} like '%+%' then {0} !~ {1} else true end").format(
            cell.text, sql.Literal(_SCIENTIFIC)
        )
        yield cell.unless_empty(
            "notasi_ilmiah",
            no_exponent,
            "angka panjang tersimpan sebagai bilangan (notasi ilmiah), digit terakhirnya hilang",
            "ubah format kolom menjadi teks, lalu isi lagi dari sumbernya",
        )


def _length(cell: _Cell) -> Iterator[Rule]:
    for operator, limit, phrase, hint in (
        (sql.SQL(">="), cell.column.min_length, "kurang dari", "lengkapi nilainya"),
        (sql.SQL("<="), cell.column.max_length, "lebih dari", "pendekkan nilainya"),
    ):
        if limit is not None:
            within = sql.SQL("char_length({}) {} {}").format(cell.text, operator, sql.Literal(limit))
            yield cell.unless_empty("panjang", within, f"{phrase} {limit} karakter", hint)


def _form(cell: _Cell) -> Iterator[Rule]:
    column = cell.column
    if column.pattern is not None:
        message = f"tidak sesuai pola {column.pattern}"
        yield cell.unless_empty(
            "pola", matches(cell.text, column.pattern), message, "samakan dengan pola yang diminta"
        )
    if column.format is not None:
        message, hint = FORMATS[column.format]
        yield cell.unless_empty("format", well_formed(column.format, cell.text), message, hint)


def _reference(cell: _Cell) -> Iterator[Rule]:
    reference = cell.column.reference
    if reference is not None:
        yield cell.unless_empty(
            "rujukan",
            sql.SQL("{} in ({})").format(reference_text(reference, cell.text), allowed_values(reference)),
            f"tidak ada di kode referensi {reference.table}",
            "periksa kode atau ejaannya; nama baru didaftarkan lewat walidata",
        )


_FAMILIES = (
    _presence,
    _type,
    _type_range,
    _precision,
    _enum,
    _range,
    _spreadsheet,
    _length,
    _form,
    _reference,
)
"""In the order in which the OPD reads the reasons. Shortcuts need type, range and precision to follow each other."""


# -- keys ----------------------------------------------------------------------------------------------------


def _has_unbounded_key(column: Column) -> bool:
    """Whether the column is a key whose values may be of any length."""
    return column.key and not column.pseudonymise and column.type in ("text", "numeric")


def _longest_key(contract: Contract) -> int:
    """How many bytes one unbounded key column may have, so that the whole key fits into the index."""
    keys = [c for c in contract.stored if c.key]
    unbounded = sum(_has_unbounded_key(c) for c in keys)
    others = LONGEST_PSEUDONYM * (len(keys) - unbounded)
    return min(LONGEST_KEY, (LONGEST_ENTRY - others) // max(unbounded, 1))


def _key_length(cell: _Cell, longest: int) -> Rule:
    fits = sql.SQL("octet_length({}) <= {}").format(cell.text, sql.Literal(longest))
    return cell.unless_empty("kunci_panjang", fits, f"kunci lebih dari {longest} bita", "pendekkan kuncinya")


# -- predicates that the suites use, too ---------------------------------------------------------------------


def well_formed(format: str, text: sql.Composable) -> sql.Composable:  # noqa: A002  # ODCS's word
    """Whether a text has the form that `logicalTypeOptions.format` names (checks.sql)."""
    return sql.SQL("{}({})").format(sql.Identifier("ops", f"cek_{format}"), text)


def reference_text(reference: Reference, text: sql.Composable) -> sql.Composable:
    """The cell as it is compared with the reference column."""
    return sql.SQL("ops.kunci_nama({})").format(text) if reference.normalise else text


def allowed_values(reference: Reference) -> sql.Composable:
    """A query for the values that the reference allows."""
    column = sql.Identifier("r", reference.column)
    conditions = [sql.SQL("{} is not null").format(column)]
    for name, value in reference.where:
        conditions.append(sql.SQL("{}::text = {}").format(sql.Identifier("r", name), sql.Literal(value)))
    return sql.SQL("select {} from {} r where {}").format(
        reference_text(reference, sql.SQL("{}::text").format(column)),
        sql.Identifier("core", reference.table),
        sql.SQL(" and ").join(conditions),
    )
