"""Checks which words of ODCS a contract uses: a promise that nothing in this warehouse keeps is refused.

What belongs here: names that must be known, promises that nobody keeps. Words that only describe (tags, examples,
authoritativeDefinitions, price, context, ...) are free. Not here: YAML and lines (files.py), types and their options
(value_types/), repairs and formats (repairs.py), what a contract means (model.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from pipelines.contracts.columns import CLASSIFICATIONS, IDENTIFIER, PERIOD_TYPES
from pipelines.contracts.model import LONGEST_HOURS, SLA_HOURS, SYSTEM_COLUMNS
from pipelines.contracts.odcs import Found, Location, custom_properties, custom_properties_below
from pipelines.contracts.value_types import own
from pipelines.contracts.value_types.options import type_faults
from pipelines.identifiers import LONGEST_TABLE
from pipelines.suggest import did_you_mean, hint_of_known

_SERVER_KEYS = ("id", "server", "type", "description", "environment", "customProperties")
_LOCATION_KEYS = {"local": ("path", "format"), "api": ("location",), "custom": ("location",)}
_SUITE = "tulis aturan ini sebagai suite: expectations/<opd>/<dataset>.json"
_UNKEPT: Mapping[tuple[str, ...], Mapping[str, str]] = {
    (): {
        "roles": "hapus; siapa yang boleh membaca mart ditulis sebagai `grants` di dbt_like_sql/",
        "slaDefaultElement": "hapus; slaProperties berlaku untuk seluruh dataset",
    },
    ("schema",): {
        "quality": _SUITE,
        "relationships": "tulis relationships pada kolomnya; aturan atas beberapa kolom adalah suite",
        "physicalName": "hapus; extract menyebut apa yang dibaca",
    },
    ("schema", "properties"): {
        "quality": _SUITE,
        "partitioned": "hapus; tulis partition pada customProperties kontrak",
        "partitionKeyPosition": "hapus; tulis partition pada customProperties kontrak",
        "encryptedName": "hapus; tulis pseudonymise pada customProperties kolom",
        "transformLogic": "hapus; parse memperbaiki sel, extract.query menghitung kolom, selebihnya adalah model",
    },
    ("slaProperties",): {
        "valueExt": "hapus; hanya value yang dibaca",
        "element": "hapus; hanya frequency memakai element, yaitu kolom yang menyebut sampai kapan datanya",
        "scheduler": "hapus; setiap dataset dimuat setiap malam",
        "schedule": "hapus; setiap dataset dimuat setiap malam",
    },
}
"""Keys that ODCS allows and whose promise nothing here keeps; each with a hint where such a promise belongs."""
_NOTHING = (None, False, -1, [], {}, "")
_SLA_PROPERTIES = ("frequency", "latency", "retention")
_OTHER_SLA = (
    *("availability", "throughput", "errorRate", "generalAvailability", "endOfSupport", "endOfLife"),
    *("timeOfAvailability", "timeToDetect", "timeToNotify", "timeToRepair"),
)
"""Properties of an SLA that ODCS names and that only describe."""


def faults(document: Mapping[str, Any], expected: str) -> Iterator[tuple[str, Found]]:
    """Gives the faults of an ODCS document: words that we do not know, and promises that nothing here keeps.

    Each has its code in the catalogue of findings. expected: the id that follows from the file's path.
    """
    yield from _coded("GDK-K004", _names(document, expected))
    yield from _coded("GDK-K005", _custom(document))
    yield from _coded("GDK-K030", own.type_faults(document))
    yield from _coded("GDK-K006", _unkept((), document, ()))
    yield from _coded("GDK-K006", _approval(document))
    yield from _coded("GDK-K007", _servers(document, expected))
    schema: Mapping[str, Any] = (document.get("schema") or [{}])[0]
    yield from _coded("GDK-K008", _sla(document.get("slaProperties") or [], schema))
    yield from _coded("GDK-K006", _unkept(("schema", 0), schema, ("schema",)))
    properties = cast("list[dict[str, Any]]", schema.get("properties") or [])
    for index, prop in enumerate(properties):
        yield from _property(("schema", 0, "properties", index), prop)
    yield from _coded("GDK-K013", _key_order(properties))
    yield from _coded("GDK-K013", _unique(document, properties))


def _coded(code: str, found: Iterable[Found]) -> Iterator[tuple[str, Found]]:
    return ((code, fault) for fault in found)


def _names(document: Mapping[str, Any], expected: str) -> Iterator[Found]:
    opd, dataset = expected.split("/")
    if document.get("id") != expected:
        yield ("id",), f"id adalah {document.get('id')!r}", f"seharusnya {expected}, sama dengan letak berkas"
    for part in (opd, dataset):
        if not IDENTIFIER.fullmatch(part):
            yield (), f"{part!r} bukan nama yang sah", "huruf kecil, angka, dan garis bawah, paling banyak 40"
    table = f"{opd}__{dataset}"
    if "__" in opd or "__" in dataset:
        message = (
            f"tabel raw.{table} dapat menjadi milik dataset lain: dua garis bawah memisahkan OPD dan dataset"
        )
        yield ("id",), message, "pakai satu garis bawah dalam nama"
    if len(table) > LONGEST_TABLE:
        message = f"nama tabel raw.{table} sepanjang {len(table)} karakter; PostgreSQL akan memotong nama turunannya"
        yield (
            ("id",),
            message,
            f"nama OPD dan dataset bersama-sama paling banyak {LONGEST_TABLE - 2} karakter",
        )
    for name in ("name", "domain", "servers", "schema", "team"):
        if not document.get(name):
            yield (), f"{name} tidak ada", "lihat docs/contracts/index.md"
    yield from _holders(document)
    for name in ("servers", "schema"):
        if len(document.get(name) or []) > 1:
            message = f"hanya {name} yang pertama dibaca"
            yield (name, 1), message, "satu kontrak, satu sumber, satu tabel"
    if document.get("status") not in ("active", "deprecated"):
        message = f"status {document.get('status')!r}: dataset tetap akan dimuat"
        hint = "active atau deprecated; jika bukan keduanya, keluarkan berkas dari contracts/"
        yield ("status",), message, hint
    name = (document.get("schema") or [{}])[0].get("name")
    if name != dataset:
        yield ("schema", 0, "name"), f"nama schema adalah {name!r}", f"seharusnya {dataset}"


def _holders(document: Mapping[str, Any]) -> Iterator[Found]:
    """Gives the parts that ODCS lets be missing or have another form, and without which there is no contract."""
    team = document.get("team")
    if isinstance(team, list):
        yield ("team",), "team bukan pemetaan, melainkan daftar", "{name: nama OPD, members: [...]}"
    elif team and not team.get("name"):
        yield ("team",), "team: name tidak ada", "tulis nama lengkap OPD"
    schema = document.get("schema")
    if schema and not schema[0].get("properties"):
        yield ("schema", 0), "schema: properties tidak ada", "tulis kolomnya; lihat docs/contracts/columns.md"


def _custom(document: Mapping[str, Any]) -> Iterator[Found]:
    """Gives the custom properties, wherever ODCS allows them, that are unknown or there twice."""
    for where, keys, _, items in custom_properties_below(document):
        yield from _known(items, where, own.CUSTOM.get(keys, {}))


def _known(items: list[dict[str, Any]], where: Location, known: Collection[str]) -> Iterator[Found]:
    seen = Counter[object]()
    for index, item in enumerate(items):
        name = item.get("property")
        seen[name] += 1
        if name not in known:
            message = f"custom property {name!r} tidak dikenal"
            yield (*where, index), message, hint_of_known(name, sorted(known))
        elif seen[name] == 2:
            yield (*where, index), f"custom property {name!r} ganda", "sisakan satu"


def _unkept(where: Location, holder: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[Found]:
    for key, hint in _UNKEPT[names].items():
        if holder.get(key) not in _NOTHING:
            yield (*where, key), f"{key} menjanjikan hal yang tidak dijaga di sini", hint


def _approval(document: Mapping[str, Any]) -> Iterator[Found]:
    """Gives a fault if raw would change without the approval that the contract requires."""
    custom = custom_properties(document)
    if custom.get("approval") == "required" and "reconcile" in custom:
        message = "reconcile mengubah raw tanpa persetujuan, padahal approval: required"
        yield ("customProperties",), message, "hapus salah satu dari keduanya"


def _servers(document: Mapping[str, Any], expected: str) -> Iterator[Found]:
    server: Mapping[str, Any] = (document.get("servers") or [{}])[0]
    kind = server.get("type")
    if kind not in _LOCATION_KEYS:
        return  # document.py refuses it
    known = _SERVER_KEYS + _LOCATION_KEYS[kind]
    for key in server:
        if key not in known:
            hint = (
                f"{hint_of_known(key, known)}; apa yang dibaca dan dari mana ditulis di extract dan location"
            )
            yield ("servers", 0, key), f"{key} pada servers tidak dibaca", hint
    if kind == "local" and server.get("path") != expected:
        yield ("servers", 0, "path"), f"path adalah {server.get('path')!r}", f"seharusnya {expected}"


def _sla(items: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> Iterator[Found]:
    seen = Counter[object]()
    for index, item in enumerate(items):
        where: Location = ("slaProperties", index)
        name = item.get("property")
        seen[name] += 1
        kept = {"element"} if name == "frequency" else set[str]()
        yield from _unkept(where, {k: v for k, v in item.items() if k not in kept}, ("slaProperties",))
        if name == "frequency" and "element" in item:
            yield from _period(where, item["element"], schema)
        if seen[name] == 2:
            yield where, f"{name} ganda", "sisakan satu"
        if name not in _SLA_PROPERTIES:
            meant = "" if name in _OTHER_SLA else did_you_mean(str(name), (*_SLA_PROPERTIES, *_OTHER_SLA))
            if meant:
                yield (*where, "property"), f"properti SLA {name!r} tidak dikenal", meant
            continue
        value, unit = item.get("value"), item.get("unit")
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield (*where, "value"), f"{name} {value!r} bukan angka", "misalnya value: 1, unit: d"
        elif unit in SLA_HOURS:
            hours = value * SLA_HOURS[str(unit)]
            shortest, said = (24, "1 hari") if name == "retention" else (0, "0")
            if hours <= 0 or not shortest <= hours <= LONGEST_HOURS:
                message = f"{name}: value dengan unit {unit} tidak antara {said} dan 100 tahun"
                yield (*where, "value"), message, "misalnya value: 1, unit: d"
        if unit not in SLA_HOURS:
            message = f"{name}: unit {unit!r} tidak dikenal"
            yield (*where, "unit"), message, hint_of_known(unit, SLA_HOURS)


def _period(where: Location, element: object, schema: Mapping[str, Any]) -> Iterator[Found]:
    """Gives a fault if the SLA's `element` is not a column of times. ODCS names a column <schema>.<property>."""
    times = {
        f"{schema.get('name')}.{p.get('name')}"
        for p in cast("list[dict[str, Any]]", schema.get("properties") or [])
        if p.get("logicalType") in PERIOD_TYPES
    }
    if element not in times:
        known = hint_of_known(element, sorted(times))
        hint = known if times else "hapus; tidak ada properti yang dapat menjadi periode"
        yield (*where, "element"), f"frequency: element {element!r} bukan kolom periode dataset ini", hint


def _property(where: Location, prop: dict[str, Any]) -> Iterator[tuple[str, Found]]:
    """Gives the faults of a property; those of its parts have their place in it, and its name before the message."""
    name = prop.get("name", "?")
    yield from _coded("GDK-K009", _description(where, prop, name))
    for code, found in (
        ("GDK-K006", _unkept((), prop, ("schema", "properties"))),
        ("GDK-K010", type_faults(prop)),
        ("GDK-K011", _enum(prop)),
        ("GDK-K012", _relationships(prop)),
    ):
        for at, message, hint in found:
            yield code, ((*where, *at), f"{name}: {message}", hint)


def _description(where: Location, prop: dict[str, Any], name: str) -> Iterator[Found]:
    """Gives the faults of a property's names, class and texts."""
    if not IDENTIFIER.fullmatch(str(name)):
        message = f"properti {name!r} bukan nama kolom yang sah"
        yield where, message, "huruf kecil, angka, dan garis bawah, paling banyak 40"
    if name in SYSTEM_COLUMNS:
        hint = f"ganti nama properti; physicalName: {name} membaca kolom sumber dengan nama itu"
        yield where, f"{name}: setiap tabel PostgreSQL sudah mempunyai kolom dengan nama itu", hint
    if not str(prop.get("physicalName", name)).strip():
        hint = "tulis nama kolom sumber, atau hapus jika sama dengan nama properti"
        yield (*where, "physicalName"), f"{name}: physicalName kosong", hint
    label = prop.get("classification")
    if label not in CLASSIFICATIONS:
        message = f"{name}: classification {'tidak ada' if label is None else f'{label!r} tidak dikenal'}"
        yield where, message, hint_of_known(label, CLASSIFICATIONS)
    for key in ("businessName", "description"):
        if not prop.get(key):
            hint = "Satu Data meminta konsep dan definisi untuk setiap kolom"
            yield where, f"{name}: {key} tidak ada", hint


def _enum(prop: Mapping[str, Any]) -> Iterator[Found]:
    entries = cast("list[dict[str, Any]]", prop.get("enum") or [])
    if entries and prop.get("logicalType") not in ("string", "integer"):
        message = f"enum untuk {prop.get('logicalType')} tidak diperiksa di sini"
        yield ("enum",), message, "pakai logicalType string atau integer"
        return
    seen = Counter[str]()
    for index, entry in enumerate(entries):
        given = entry.get("value")
        value = str(given)
        if type(given) is not str and not (type(given) is int and prop.get("logicalType") == "integer"):
            hint = "tulis dalam tanda kutip seperti di sumbernya"
            yield ("enum", index, "value"), f"enum: butir ke-{index + 1} bukan teks", hint
            continue
        seen[value] += 1
        if seen[value] == 2:
            yield ("enum", index), f"{value!r} ganda di enum", "sisakan satu"
        if prop.get("logicalType") == "integer" and not value.removeprefix("-").isdecimal():
            yield ("enum", index), f"{value!r} bukan bilangan bulat", "perbaiki nilainya"


def _relationships(prop: Mapping[str, Any]) -> Iterator[Found]:
    relationships: list[dict[str, Any]] = prop.get("relationships") or []
    if len(relationships) > 1:
        message = "hanya satu rujukan per kolom yang diperiksa"
        yield ("relationships", 1), message, "tulis aturan lainnya sebagai suite"
    for index, relationship in enumerate(relationships):
        to = relationship.get("to")
        if not isinstance(to, str) or len(to.split(".")) != 2:
            yield ("relationships", index, "to"), f"{to!r} bukan kolom rujukan", "<tabel rujukan>.<kolom>"


def _key_order(properties: Iterable[Mapping[str, Any]]) -> Iterator[Found]:
    """Gives faults if the positions of a primary key do not follow the order of the properties."""
    last = 0
    for index, prop in enumerate(properties):
        position = prop.get("primaryKeyPosition", -1)
        if position in (-1, None):
            continue
        where: Location = ("schema", 0, "properties", index, "primaryKeyPosition")
        if not prop.get("primaryKey"):
            message = f"{prop.get('name')}: ada primaryKeyPosition, tetapi kolom ini bukan kunci"
            yield where, message, "tulis primaryKey: true, atau hapus primaryKeyPosition"
        elif position <= last:
            message = f"{prop.get('name')}: kolom kunci harus berurutan seperti propertinya"
            yield where, message, "pindahkan properti, atau hapus primaryKeyPosition"
        last = max(last, position)


def _unique(document: Mapping[str, Any], properties: Sequence[Mapping[str, Any]]) -> Iterator[Found]:
    """Gives faults of `unique`, which a load can check only among its own rows."""
    custom = custom_properties(document)
    partial = custom.get("write_disposition", "replace") != "replace" or custom.get("partition") is not None
    composite = sum(bool(p.get("primaryKey")) for p in properties) > 1
    for index, prop in enumerate(properties):
        if not prop.get("unique"):
            continue
        where: Location = ("schema", 0, "properties", index, "unique")
        if prop.get("primaryKey") and composite:
            message = f"{prop.get('name')}: hanya seluruh kunci yang unik"
            yield where, message, "hapus unique, atau jadikan kolom ini satu-satunya kunci"
        elif not prop.get("primaryKey") and (partial or custom_properties(prop).get("drop")):
            message = f"{prop.get('name')}: unique hanya diperiksa pada pemuatan yang mengganti seluruh tabel"
            yield where, message, "hapus unique; jadikan kolom ini kunci utama, atau tulis uji pada model"
