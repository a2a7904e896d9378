"""A contract's columns as SQL: the cleaned text, the typed value, and the rules a cell must keep.

What belongs here: pure functions from contracts to SQL. The same predicates decide what reaches raw and what is
quarantined, so no row is ever in both or in neither. Not here: running SQL.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from pipelines.contracts.columns import Column, Reference
from pipelines.contracts.model import Contract
from pipelines.contracts.repairs import ERROR_TEXTS, FORMATS, decimals, factors, known_words
from pipelines.load.stage import cell_types

MASK = "***"
LONGEST_KEY = 600
"""Bytes of a key's text, and at most LONGEST_ENTRY of all its columns: a row with a longer one would stop the load."""
LONGEST_ENTRY = 2_600
"""Bytes that an entry of a B-tree may have (2,704 in all), less what else is in it."""
OF_A_KEY = frozenset({"wajib", "tipe", "jangkauan", "ketelitian", "kunci_panjang"})
"""The rules that make a text a key; what else is asked of it says nothing of whether the source has the row."""
_SCIENTIFIC = r"^\s*[-+]?[0-9]+([.,][0-9]+)?[Ee]\+[0-9]+\s*$"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one column: `predicate` is true for good cells and never NULL; the words are for the OPD.

    enough: a cheap test that, where it is true, says that this rule and the one told before it are kept.
    """

    column: Column
    name: str
    predicate: sql.Composable
    message: str
    hint: str
    enough: sql.Composable | None = None


def all_kept(asked: Sequence[Rule]) -> sql.Composable:
    """Whether a row keeps every rule, at the least cost."""
    predicates: list[sql.Composable] = []
    for rule in asked:
        if rule.enough is None:
            predicates.append(rule.predicate)
        else:
            predicates.append(
                sql.SQL("case when {} then true else {} and {} end").format(
                    rule.enough, predicates.pop(), rule.predicate
                )
            )
    return sql.SQL(" and ").join(predicates) if predicates else sql.SQL("true")


def declared(column: Column) -> tuple[str, ...]:
    """The names of the column's repairs, in their order, as ops.load_repair counts them."""
    return (("missing_values",) if column.missing_values else ()) + column.parse


def repaired(column: Column, repair: str, cell: sql.Composable) -> sql.Composable:
    """`cell` after one of the column's repairs."""
    if repair == "missing_values":
        tokens = sql.SQL(", ").join(sql.Literal(v.strip()) for v in column.missing_values)
        return sql.SQL("case when btrim({0}) in ({1}) then null else {0} end").format(cell, tokens)
    told: list[sql.Composable] = []
    if repair == "satuan":
        sizes = {unit: f"{size:f}" for unit, size in factors(column.unit).items()}
        told.append(_jsonb(sizes))
    elif repair == "klasifikasi":
        told.append(_jsonb(known_words(column)))
    elif repair == "bulatkan":
        told.append(sql.Literal(decimals(column.type)))
    elif repair == "kode":
        told.append(sql.Literal(column.min_length))
    return sql.SQL("{}({})").format(sql.Identifier("ops", repair), sql.SQL(", ").join([cell, *told]))


def _jsonb(values: dict[str, str]) -> sql.Composable:
    return sql.SQL("{}::jsonb").format(sql.Literal(json.dumps(values, ensure_ascii=False)))


def cleaned(column: Column, *, exact: bool = False) -> sql.Composable:
    """The cell's text after the declared repairs: SQL over the landing row `l`, where an exact column is typed."""
    cell: sql.Composable = sql.Identifier("l", column.name)
    if exact:
        return cell if column.type == "text" else sql.SQL("{}::text").format(cell)
    for repair in declared(column):
        cell = repaired(column, repair, cell)
    return cell


def typed(column: Column, *, exact: bool = False) -> sql.Composable:
    """The value that is stored: of the cleaned row `b`, or as it landed where the column is exact."""
    if exact:
        return sql.Identifier("l", column.name)
    text = sql.Identifier("b", column.name)
    if column.pseudonymise:
        return sql.SQL("ops.pseudonim({}, {})").format(text, sql.Literal(column.pseudonymise))
    if column.type == "text":
        return text
    return sql.SQL("{}::{}").format(text, sql.SQL(column.type))  # type: ignore[arg-type]  # checked by the contract


def castable(column: Column) -> sql.Composable:
    """Whether the cleaned text of the row `b` can be cast to the column's type; NULL of an empty one."""
    return sql.SQL("pg_input_is_valid({}, {})").format(
        sql.Identifier("b", column.name), sql.Literal(column.type)
    )


def rules(contract: Contract, exact: frozenset[str] = frozenset()) -> tuple[Rule, ...]:
    """All rules of a contract that one row can break by itself; exact columns are of their type already."""
    found: list[Rule] = []
    # A number or a time of a key takes 16 bytes at most, a pseudonym 68.
    keys = [c for c in contract.stored if c.key]
    unbounded = sum(_unbounded_key(c) for c in keys)
    longest = min(LONGEST_KEY, (LONGEST_ENTRY - 68 * (len(keys) - unbounded)) // max(unbounded, 1))
    for column in contract.stored:
        kind = contract.server.kind
        strict = kind != "database" or bool(column.parse)
        one = _ColumnRules(column, strict=strict, exact=column.name in exact, upload=kind == "upload")
        found += one.all()
        if _unbounded_key(column):
            found.append(_key_length(column, longest))
    return tuple(found)


def _unbounded_key(column: Column) -> bool:
    return column.key and not column.pseudonymise and column.type in ("text", "numeric")


def _key_length(column: Column, longest: int) -> Rule:
    fits = sql.SQL("({0} is null or octet_length({0}) <= {1})").format(
        sql.Identifier("b", column.name), sql.Literal(longest)
    )
    message = f"{column.name}: kunci lebih dari {longest} bita"
    return Rule(column, "kunci_panjang", fits, message, "pendekkan kuncinya")


class _ColumnRules:
    """The rules of one column, in the order in which they are told.

    strict: types are written as a file must write them. exact: the source's type is the column's. upload: a person's
    spreadsheet may stand behind it.
    """

    def __init__(self, column: Column, *, strict: bool, exact: bool, upload: bool) -> None:
        self.column, self.strict, self.exact, self.upload = column, strict, exact, upload
        self.text = sql.Identifier("b", column.name)
        self.castable: sql.Composable = sql.SQL("true")
        self.found: list[Rule] = []

    def all(self) -> list[Rule]:
        self._presence_and_type()
        self._unchanged()
        self._enum()
        self._range()
        self._spreadsheet()
        self._length()
        self._form()
        self._reference()
        return self.found

    def _rule(
        self,
        name: str,
        predicate: sql.Composable,
        message: str,
        hint: str,
        enough: sql.Composable | None = None,
    ) -> None:
        self.found.append(Rule(self.column, name, predicate, f"{self.column.name}: {message}", hint, enough))

    def _optional(self, name: str, condition: sql.Composable, message: str, hint: str) -> None:
        """A rule that an empty cell keeps."""
        self._rule(name, sql.SQL("({0} is null or {1})").format(self.text, condition), message, hint)

    def _presence_and_type(self) -> None:
        column = self.column
        if column.required:
            cell = sql.Identifier("l", column.name) if self.exact else self.text
            self._rule("wajib", sql.SQL("{} is not null").format(cell), "wajib diisi", "isi kolom ini")
        base = column.type.split("(")[0]
        if self.exact:
            self._finite(base)
        elif column.type != "text":
            self.castable = castable(column)
            self._of_type(base)

    def _of_type(self, base: str) -> None:
        lenient = (cell_types.FINITE.get(base, "true"), "")
        form, pattern = cell_types.STRICT.get(base, ("true", "")) if self.strict else lenient
        plain = sql.SQL(form).format(text=self.text)  # type: ignore[arg-type]
        valid = sql.SQL("{} or {} ~ {}").format(plain, self.text, sql.Literal(pattern)) if pattern else plain
        words, reach = cell_types.WORDS[base], cell_types.reach(self.column.type)
        # A number that does not fit is a number all the same, and `jangkauan` says what it is too much for.
        number = sql.Literal(cell_types.WHOLE if base in cell_types.WHOLE_NUMBERS else cell_types.DECIMAL)
        large = sql.SQL("{} ~ {}").format(self.text, number) if reach else sql.SQL("false")
        asked = sql.SQL("case when {} then {} else {} end").format(self.castable, valid, large)
        self._optional("tipe", asked, f"bukan {words}", f"tulis sebagai {words}")
        if reach:
            fits = sql.SQL("case when {} then true else not {} end").format(self.castable, large)
            enough = sql.SQL("{} and {}").format(self.castable, plain)
            predicate = sql.SQL("({} is null or {})").format(self.text, fits)
            self._rule("jangkauan", predicate, *reach, enough)

    def _finite(self, base: str) -> None:
        """PostgreSQL's own types have values that are none: NaN, infinity."""
        if self.strict or base not in cell_types.FINITE:
            return
        finite = "isfinite({0})" if base in cell_types.TIMES else "({0} > '-infinity' and {0} < 'infinity')"
        if decimals(self.column.type) is not None:
            finite = "{0} <> 'NaN'"  # with a precision it holds no infinity
        predicate = sql.SQL("({0} is null or " + finite + ")").format(sql.Identifier("l", self.column.name))
        words = cell_types.WORDS[base]
        self._rule("tipe", predicate, f"bukan {words}", f"tulis sebagai {words}")

    def _unchanged(self) -> None:
        """What the type would round or cut off without a word. A cell of another type is told of by `tipe`."""
        base = self.column.type.split("(")[0]
        scale = decimals(self.column.type)
        if self.exact or base not in cell_types.KEEPS or (base == "numeric" and scale is None):
            return
        quick, whole, message, hint = cell_types.KEEPS[base]
        words = {"scale": str(scale), "more": "_" * ((scale or 0) + 1)}
        unchanged = sql.SQL("case when {} then true when {} then {} else true end").format(
            sql.SQL(quick.format_map(words | {"text": "{text}"})).format(text=self.text),  # type: ignore[arg-type]
            self.castable,
            sql.SQL(whole).format(text=self.text, type=sql.SQL(self.column.type)),  # type: ignore[arg-type]
        )
        enough = None
        if self.strict and base in cell_types.CANONICAL:
            # What PostgreSQL itself would write so is of the type, and loses nothing: asked once for both rules.
            plain = (
                f"{{castable}} and {cell_types.STRICT[base][0]}{cell_types.CANONICAL[base].format_map(words)}"
            )
            enough = sql.SQL(plain).format(castable=self.castable, text=self.text)  # type: ignore[arg-type]
        # Of an empty cell each test is NULL, and the last word true.
        self._rule("ketelitian", unchanged, message.format_map(words), hint.format_map(words), enough)

    def _enum(self) -> None:
        if not self.column.enum:
            return
        values = [v for v, _ in self.column.enum]
        listed = sql.SQL("{} in ({})").format(self.text, _listed(values))
        hint = "pakai salah satu: " + ", ".join(values[:12])
        self._optional("klasifikasi", listed, "nilai di luar klasifikasi isian", hint)

    def _range(self) -> None:
        """What is asked of a number's or a time's size. A cell of another type is told of by `tipe`."""
        column = self.column
        for name, operator, bound, words in (
            ("minimum", ">=", column.minimum, "paling kecil"),
            ("maximum", "<=", column.maximum, "paling besar"),
            ("exclusive_minimum", ">", column.exclusive_minimum, "harus lebih dari"),
            ("exclusive_maximum", "<", column.exclusive_maximum, "harus kurang dari"),
        ):
            if bound is None:
                continue
            # Not of numeric(p,s), which would round the bound.
            within = sql.SQL("{} {} {}::{}").format(
                self._value(),
                sql.SQL(operator),  # type: ignore[arg-type]
                sql.Literal(bound),
                sql.SQL(column.type.split("(")[0]),  # type: ignore[arg-type]
            )
            message, hint = f"di luar rentang, {words} {bound}", f"periksa nilainya; {words} {bound}"
            self._optional(name, self._where_castable(within), message, hint)
        if column.multiple_of is not None:
            multiple = sql.SQL("mod({}::numeric, {}::numeric) = 0").format(
                self._value(), sql.Literal(column.multiple_of)
            )
            words = f"kelipatan {column.multiple_of}"
            self._optional(
                "kelipatan", self._where_castable(multiple), f"bukan {words}", f"periksa nilainya; {words}"
            )

    def _value(self) -> sql.Composable:
        """The cell as its type, where it is castable."""
        cell = sql.Identifier("l", self.column.name) if self.exact else self.text
        return sql.SQL("{}::{}").format(cell, sql.SQL(self.column.type))  # type: ignore[arg-type]

    def _where_castable(self, condition: sql.Composable) -> sql.Composable:
        return sql.SQL("case when {} then {} else true end").format(self.castable, condition)

    def _length(self) -> None:
        column = self.column
        for operator, limit, words, hint in (
            (">=", column.min_length, "kurang dari", "lengkapi nilainya"),
            ("<=", column.max_length, "lebih dari", "pendekkan nilainya"),
        ):
            if limit is not None:
                condition = sql.SQL("char_length({}) {} {}").format(
                    self.text,
                    sql.SQL(operator),  # type: ignore[arg-type]
                    sql.Literal(limit),
                )
                self._optional("panjang", condition, f"{words} {limit} karakter", hint)

    def _spreadsheet(self) -> None:
        """What Excel leaves of a text: a failed formula's error, a long number without its last digits.

        A typed column refuses both by its type.
        """
        column = self.column
        if column.type != "text":
            return
        if self.upload:
            failed = sql.SQL(
                "case when {0} like '#%' or {0} like 'Err:%' then {0} not in ({1}) and {0} !~ {2} else true end"
            )
            self._optional(
                "sel_galat",
                failed.format(self.text, _listed(ERROR_TEXTS), sql.Literal("^Err:[0-9]{3}$")),
                "rumus di sel ini gagal (#N/A, #REF!, dan sejenisnya)",
                "perbaiki rumusnya, atau isi nilainya, lalu kirim lagi",
            )
        if self.upload or "kode" in column.parse or column.format not in (None, "email"):
            self._optional(
                "notasi_ilmiah",
                sql.SQL("case when {0} like '%+%' then {0} !~ {1} else true end").format(
                    self.text, sql.Literal(_SCIENTIFIC)
                ),
                "angka panjang tersimpan sebagai bilangan (notasi ilmiah), digit terakhirnya hilang",
                "ubah format kolom menjadi teks, lalu isi lagi dari sumbernya",
            )

    def _form(self) -> None:
        column = self.column
        if column.pattern is not None:
            condition = sql.SQL("{} ~ {}").format(self.text, sql.Literal(column.pattern))
            message = f"tidak sesuai pola {column.pattern}"
            self._optional("pola", condition, message, "samakan dengan pola yang diminta")
        if column.format is not None:
            message, hint = FORMATS[column.format]
            self._optional("format", well_formed(column.format, self.text), message, hint)

    def _reference(self) -> None:
        reference = self.column.reference
        if reference is None:
            return
        self._optional(
            "rujukan",
            sql.SQL("{} in ({})").format(referencing(reference, self.text), allowed(reference)),
            f"tidak ada di kode referensi {reference.table}",
            "periksa kode atau ejaannya; nama baru didaftarkan lewat walidata",
        )


def _listed(values: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Literal, values))


def well_formed(format: str, text: sql.Composable) -> sql.Composable:  # noqa: A002  # ODCS's word
    """Whether a text has the form that `logicalTypeOptions.format` names (checks.sql)."""
    return sql.SQL("{}({})").format(sql.Identifier("ops", f"cek_{format}"), text)


def referencing(reference: Reference, text: sql.Composable) -> sql.Composable:
    """The cell as it is compared with the reference column."""
    return sql.SQL("ops.kunci_nama({})").format(text) if reference.normalise else text


def allowed(reference: Reference) -> sql.Composable:
    """A query for the values that the reference allows."""
    column = sql.Identifier("r", reference.column)
    conditions = [sql.SQL("{} is not null").format(column)]
    for name, value in reference.where:
        conditions.append(sql.SQL("{}::text = {}").format(sql.Identifier("r", name), sql.Literal(value)))
    return sql.SQL("select {} from {} r where {}").format(
        referencing(reference, sql.SQL("{}::text").format(column)),
        sql.Identifier("core", reference.table),
        sql.SQL(" and ").join(conditions),
    )
