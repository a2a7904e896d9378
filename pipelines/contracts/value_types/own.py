"""The type that the value of each of our own properties must have in YAML, and the faults of those that have another.

What belongs here: the names of our custom properties at each place of a contract, the keys of `extract` and
`partition`, and the type of each value. A value is never converted: `publish: "false"` is a text, and no text is false.
Not here: which values of the right type are allowed (document.py, api.py, upload.py), ODCS's own keys (odcs.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import NoneType
from typing import Any, Final, cast

from pipelines.contracts.odcs import Found, Location, custom_properties_below
from pipelines.suggest import hint_of_known

_PAGE = "lihat docs/contracts/index.md"
_QUOTES = "tulis dalam tanda kutip"
_KINDS: Mapping[type, str] = {
    str: "teks",
    bool: "true atau false",
    int: "angka",
    float: "angka",
    date: "tanggal",
    datetime: "waktu",
    list: "daftar",
    dict: "pemetaan",
    NoneType: "kosong",
}
"""What a message calls a value of each type that YAML can give here."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a value must be.

    types: its Python types, exactly, because a bool is an int and a datetime is a date. expected: what a message calls
    them. hint: how to write such a value. blank: whether a text may have nothing but white space.
    items: the form of each item of a list, or of each value of a mapping. keys: the forms of a mapping's values by key,
    closed: whether it may have no other keys.
    """

    types: tuple[type, ...]
    expected: str
    hint: str
    blank: bool = False
    items: Form | None = None
    keys: Mapping[str, Form] | None = None
    closed: bool = False

    def faults(self, name: str, value: object, where: Location) -> Iterator[Found]:
        """Gives the faults of a value and its parts. The messages say types and no values, which may be secrets."""
        kind = type(value)
        if kind not in self.types:
            quote = str in self.types and kind not in (list, dict, NoneType)
            message = f"{name} bukan {self.expected}, melainkan {_KINDS.get(kind, 'jenis lain')}"
            yield where, message, _QUOTES if quote else self.hint
        elif isinstance(value, str):
            if not self.blank and not value.strip():
                yield where, f"{name} kosong", "tulis nilainya, atau hapus"
        elif isinstance(value, list):
            for index, item in enumerate(cast("list[object]", value)):
                if self.items:
                    yield from self.items.faults(f"{name}: butir ke-{index + 1}", item, (*where, index))
        elif isinstance(value, dict):
            yield from self._faults_of_mapping(name, cast("dict[object, object]", value), where)

    def _faults_of_mapping(self, name: str, value: dict[object, object], where: Location) -> Iterator[Found]:
        for key, part in value.items():
            form = self.items or (self.keys or {}).get(str(key))
            if not isinstance(key, str):
                yield where, f"{name}: ada kunci yang bukan teks", _QUOTES
            elif form:
                yield from form.faults(f"{name}: {key}", part, (*where, key))
            elif self.closed:
                yield (*where, key), f"{name}: {key} tidak dikenal", hint_of_known(key, self.keys or ())


_TEXT = Form((str,), "teks", _PAGE)
_ANY_TEXT = Form((str,), "teks", _PAGE, blank=True)
_FLAG = Form((bool,), "true atau false", "tulis true atau false, tanpa tanda kutip")
_WHOLE = Form((int,), "bilangan bulat", "tulis angkanya tanpa tanda kutip dan tanpa koma")
_NUMBER = Form((int, float), "angka", "tulis angka dengan titik desimal, tanpa tanda kutip")
_TEXTS = Form((list,), "daftar teks", "misalnya ['-', '99']", items=_ANY_TEXT)
_NAMES = Form((str, list), "teks atau daftar teks", "misalnya teks, atau [teks, angka_id]", items=_TEXT)
_LAG = Form((str, int, float), "durasi atau angka", "misalnya P1D atau 1000")
_PAIRS = Form((dict,), "pemetaan", "{nama: nilai, ...}", items=_ANY_TEXT)
_DAY = Form((date, str), "tanggal", "misalnya 2026-09-01")

_PARTITION = Form(
    (dict,),
    "pemetaan",
    "{column: ..., every: daily, monthly, semester atau yearly, start: YYYY-MM-DD}",
    keys={"column": _TEXT, "every": _TEXT, "start": _DAY},
    closed=True,
)
_PARAMS = Form(
    (dict,),
    "pemetaan",
    "{nama: nilai, ...}",
    items=Form((str, int), "teks atau bilangan bulat", _PAGE, blank=True),
)
_PAGINATION = Form(
    (dict,),
    "pemetaan",
    "{type: page, param: ..., ...}; lihat docs/contracts/apis.md",
    keys={
        **dict.fromkeys(("type", "param", "size_param", "last_page"), _TEXT),
        **dict.fromkeys(("total", "next"), _ANY_TEXT),
        "size": _WHOLE,
    },
)
_ERROR = Form(
    (dict,),
    "pemetaan",
    "misalnya {field: error, ok: [0]}",
    keys={
        "field": _TEXT,
        "message": _TEXT,
        "ok": Form(
            (list,),
            "daftar nilai",
            "misalnya [0, false, null]",
            items=Form((str, int, float, bool, NoneType), "teks, angka, true, false, atau null", _PAGE, True),
        ),
    },
)
EXTRACT: Final = Form(
    (dict,),
    "pemetaan",
    "tulis apa yang dibaca, misalnya {table: kunjungan}; lihat docs/contracts/loading.md",
    keys={
        **dict.fromkeys(("table", "schema", "where", "query", "path", "incremental_param", "shape"), _TEXT),
        **dict.fromkeys(("format", "pattern", "member", "encoding", "comment", "hidden"), _TEXT),
        **dict.fromkeys(("sheet", "sheets"), _TEXT),
        **dict.fromkeys(("records", "delimiter", "quote", "escape"), _ANY_TEXT),
        **dict.fromkeys(("header_row", "header_rows"), _WHOLE),
        **dict.fromkeys(("skipinitialspace", "short_rows"), _FLAG),
        "params": _PARAMS,
        "auth": _PAIRS,
        "pagination": _PAGINATION,
        "error": _ERROR,
        "totals": _PAIRS,
        "fill_down": _TEXTS,
    },
)
"""The keys of `extract` of every kind of source. Which of them a kind of source has, document.py says."""
CUSTOM: Final[Mapping[tuple[str, ...], Mapping[str, Form]]] = {
    (): {
        "extract": EXTRACT,
        "partition": _PARTITION,
        "lag": _LAG,
        "publish": _FLAG,
        "check_timeout": _WHOLE,
        **dict.fromkeys(("max_quarantine_share", "max_shrink_share"), _NUMBER),
        **dict.fromkeys(("write_disposition", "merge_strategy", "schema_contract", "approval"), _TEXT),
        **dict.fromkeys(("cursor", "reconcile"), _TEXT),
    },
    ("servers",): {
        "load_hours": _TEXT,
        **dict.fromkeys(("rows_per_second", "statement_timeout", "wait_limit"), _WHOLE),
    },
    ("schema", "properties"): {
        "missing_values": Form((str, list), "teks atau daftar teks", "misalnya ['-', '99']", True, _ANY_TEXT),
        "drop": _FLAG,
        **dict.fromkeys(("parse", "konfirmasi"), _NAMES),
        **dict.fromkeys(("satuan", "ukuran", "pseudonymise", "retain_original"), _TEXT),
    },
    ("schema", "properties", "enum"): {"alias": _NAMES},
    ("schema", "properties", "relationships"): {"where": _PAIRS, "normalise": _TEXT},
}
"""Our own properties, by the keys of ODCS that lead to them; customProperties anywhere else have none."""


def type_faults(document: Mapping[str, Any]) -> Iterator[Found]:
    """Gives the faults in the types of our own properties, wherever ODCS allows them."""
    for where, keys, column, items in custom_properties_below(document):
        for index, item in enumerate(items):
            name = str(item.get("property"))
            if form := CUSTOM.get(keys, {}).get(name):
                said = f"{column}: {name}" if column else name
                yield from form.faults(said, item.get("value"), (*where, index, "value"))
