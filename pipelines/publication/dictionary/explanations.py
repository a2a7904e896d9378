"""Gives the Indonesian names and explanations that readers of the dictionary see instead of the code's words.

What belongs here: names and explanations of layers, kinds, classes, tests, promises. Not here: numbers and dates
(publication/indonesian.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipelines.contracts.model import Contract, WriteDisposition
from pipelines.publication.dictionary.dictionary import Check, Column
from pipelines.publication.indonesian import number

LAYERS: Mapping[str, tuple[str, str]] = {
    "raw": ("Mentah", "Data OPD seperti yang dijanjikan kontraknya: sudah diperiksa, belum diolah."),
    "staging": ("Staging", "Satu view per dataset: nama kolom dan kode diseragamkan."),
    "core": ("Inti", "Acuan, dimensi, dan fakta yang dipakai bersama oleh semua mart."),
    "mart_satu_data": ("Mart Satu Data", "Dataset yang disepakati, siap diterbitkan di portal Satu Data."),
    "mart_spbe": ("Mart SPBE", "Indeks dan bahan pelaporan SPBE."),
    "ops": ("Buku besar", "Catatan gudang sendiri: kontrak, pemuatan, dan hasil pemeriksaan."),
    "pemakaian": ("Pemakaian", "Laporan, portal, dan aplikasi yang dibuat dari tabel gudang."),
}
KINDS: Mapping[str, str] = {
    "raw": "Tabel mentah",
    "source": "Tabel gudang",
    "seed": "Data acuan",
    "view": "View",
    "table": "Tabel",
    "incremental": "Tabel bertahap",
}
KIND_MEANINGS: Mapping[str, str] = {
    "raw": "Diisi dari sumber OPD menurut kontraknya.",
    "source": "Diisi oleh gudang sendiri.",
    "seed": "Diisi dari berkas CSV yang disimpan bersama model.",
    "view": "Dihitung setiap kali dibaca.",
    "table": "Dibangun ulang seluruhnya.",
    "incremental": "Ditambah atau diperbarui sebagian setiap kali dibangun.",
}
CLASSES: Mapping[str, tuple[str, str]] = {
    "terbuka": ("Terbuka", "Boleh diumumkan."),
    "terbatas": ("Terbatas", "Hanya untuk pemakaian di dalam pemerintahan."),
    "pribadi": ("Pribadi", "Data pribadi: disamarkan sebelum disimpan, atau tidak disimpan."),
    "pribadi_spesifik": (
        "Pribadi spesifik",
        "Data pribadi spesifik: disamarkan sebelum disimpan, atau tidak disimpan.",
    ),
}
_TESTS = {
    "not_null": "wajib terisi",
    "unique": "tidak boleh ganda",
    "accepted_values": "hanya nilai yang ditentukan",
    "relationships": "harus ada di acuannya",
    "unique_combination": "gabungan kolom tidak boleh ganda",
}
_UNITS = {"h": "jam", "d": "hari", "w": "minggu", "m": "bulan", "y": "tahun"}
_PROMISES = {"frequency": "Pembaruan tiap", "latency": "Kelonggaran", "retention": "Masa simpan"}


def layer(schema: str) -> tuple[str, str]:
    """The name of a layer and what is in it. A schema that is not in LAYERS gives its name and ""."""
    return LAYERS.get(schema, (schema, ""))


def layer_order(schema: str) -> tuple[int, str]:
    """A key that sorts layers in the order of LAYERS, and others after them by name."""
    return (list(LAYERS).index(schema) if schema in LAYERS else len(LAYERS), schema)


def check(found: Check, column: Column | None = None) -> str:
    """The text of a test: its description, else that of its kind, else its name."""
    if found.description:
        return found.description
    name = found.name.removesuffix(f"_{column.name}") if column else found.name
    return _TESTS.get(name, _spaced(name))


def is_explained(found: Check) -> bool:
    """Whether `check` gives more than the name of a test."""
    return check(found) != _spaced(found.name)


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def loading(contract: Contract) -> str:
    """The text that says how a load changes the rows of a dataset."""
    if contract.keeps_history:
        return "Setiap versi baris disimpan, dengan masa berlakunya"
    if contract.merges:
        return "Baris diperbarui menurut kuncinya"
    if contract.disposition is WriteDisposition.APPEND:
        return "Baris baru ditambahkan, yang lama tidak diubah"
    if contract.replaces_periods:
        return "Tiap berkas mengganti periode yang dimuatnya"
    return "Diganti menurut rentang tanggal" if contract.partition else "Diganti seluruhnya"


def promises(contract: Contract, names: Iterable[str] = _PROMISES) -> list[tuple[str, str]]:
    """The SLA as pairs of label and value. names: which of its properties."""
    return [(_PROMISES[name], _amount(*contract.sla[name])) for name in names if name in contract.sla]


def _amount(value: str, unit: str) -> str:
    amount = float(value)
    return f"{number(amount, 0 if amount.is_integer() else 1)} {_UNITS.get(unit[:1], unit)}"


def limits(column: Column) -> list[str]:
    """The contract's rules for the values of a column, a phrase each."""
    p = column.promise
    if p is None:
        return []
    said = [
        "kunci utama" if p.key else "",
        "wajib terisi" if p.required and not p.key else "",
        "tidak boleh ganda" if p.unique else "",
        f"paling kecil {p.minimum}" if p.minimum is not None else "",
        f"paling besar {p.maximum}" if p.maximum is not None else "",
        f"lebih dari {p.exclusive_minimum}" if p.exclusive_minimum is not None else "",
        f"kurang dari {p.exclusive_maximum}" if p.exclusive_maximum is not None else "",
        f"kelipatan {p.multiple_of}" if p.multiple_of is not None else "",
        f"format {p.format}" if p.format else "",
        f"pola {p.pattern}" if p.pattern else "",
    ]
    if p.min_length is not None or p.max_length is not None:
        ends = (p.min_length, p.max_length)
        if ends[0] == ends[1]:
            said.append(f"{ends[0]} huruf")
        elif None not in ends:
            said.append(f"{ends[0]} sampai {ends[1]} huruf")
        else:
            said.append(
                f"paling sedikit {ends[0]} huruf" if ends[1] is None else f"paling banyak {ends[1]} huruf"
            )
    return [word for word in said if word]
