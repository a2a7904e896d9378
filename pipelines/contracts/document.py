"""Builds a `Contract` from an ODCS document that has passed the check of its form.

What belongs here: which key of the document becomes which field. Not here: YAML, lines, the form itself
(files.py), what a contract means (model.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipelines.contracts import windows
from pipelines.contracts.api import ApiExtract
from pipelines.contracts.columns import Column, Reference
from pipelines.contracts.model import (
    CHECK_TIMEOUT_S,
    LONGEST_HOURS,
    STATEMENT_TIMEOUT_S,
    WAIT_LIMIT_S,
    Contract,
    DatabaseExtract,
    Extract,
    MergeStrategy,
    Server,
    WriteDisposition,
)
from pipelines.contracts.odcs import FaultyError, Location, custom_properties
from pipelines.contracts.upload import FileExtract
from pipelines.contracts.windows import Cadence, Partition
from pipelines.errors import ContractError
from pipelines.redaction.personal_shapes import EMAIL
from pipelines.redaction.secrets import secret_in
from pipelines.suggest import hint_of_known

_KINDS = {"database": "basis data", "api": "API", "upload": "unggahan"}
_PAGES = {
    "database": "docs/contracts/databases.md",
    "api": "docs/contracts/apis.md",
    "upload": "docs/contracts/uploads.md",
}
_DURATION = re.compile(
    r"P(?=.)([0-9]{1,9}Y)?([0-9]{1,9}M)?([0-9]{1,9}W)?([0-9]{1,9}D)?"
    r"(?:T(?=.)([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}S)?)?"
)
_PARTS_H = (8760, 730, 168, 24, 1, 1 / 60, 1 / 3600)
"""The hours of each part of _DURATION, in its order."""
_LONGEST_S = 7 * 24 * 3600
_MOST_PER_SECOND = 10**9
_MOST_LAG = 10**18


def make_contract(path: Path, document: dict[str, Any]) -> Contract:
    """Builds the contract of `document`. Raises FaultyError with the place, or ContractError if two parts disagree."""
    custom = custom_properties(document)
    server = _server(document["servers"][0])
    description = document.get("description") or {}
    opd, dataset = document["id"].split("/")
    return Contract(
        opd=opd,
        dataset=dataset,
        title=document["name"],
        domain=document["domain"],
        purpose=description.get("purpose", ""),
        usage=description.get("usage", ""),
        limitations=description.get("limitations", ""),
        producer=document["team"]["name"],
        contact=next((s.get("url") or s.get("channel") or "" for s in document.get("support") or []), ""),
        server=server,
        extract=_extract(document, server, custom),
        columns=_columns(document["schema"][0]["properties"]),
        disposition=WriteDisposition(
            _one_of(document, custom, "write_disposition", "replace", tuple(WriteDisposition))
        ),
        path=path,
        version=str(document.get("version", "1.0.0")),
        merge_strategy=MergeStrategy(
            _one_of(document, custom, "merge_strategy", "upsert", tuple(MergeStrategy))
        ),
        cursor=custom.get("cursor"),
        lag=_lag(document, custom),
        reconcile=_duration(document, custom, "reconcile"),
        partition=_partition(document, custom),
        schema_contract=_one_of(document, custom, "schema_contract", "freeze", ("freeze", "evolve")),
        max_quarantine_share=_share(document, custom, "max_quarantine_share", 0.2),
        max_shrink_share=_share(document, custom, "max_shrink_share", 0.5),
        check_timeout=_seconds(document, custom, "check_timeout") or CHECK_TIMEOUT_S,
        approval=_one_of(document, custom, "approval", "none", ("none", "required")) == "required",
        publish=custom.get("publish", False),
        sla={
            p["property"]: (str(p["value"]), str(p.get("unit", "")))
            for p in document.get("slaProperties") or []
        },
        period=next(
            (
                str(p["element"]).split(".")[-1]
                for p in document.get("slaProperties") or []
                if p["property"] == "frequency" and "element" in p
            ),
            None,
        ),
        mail=_mail(document),
    )


def _mail(document: dict[str, Any]) -> tuple[str, ...]:
    """The mail addresses of `support`: each `url` of the form mailto:name@host. Raises FaultyError for a wrong one."""
    found: list[str] = []
    for place, support in enumerate(document.get("support") or []):
        scheme, _, address = str(support.get("url") or "").partition(":")
        if scheme.lower() != "mailto":
            continue
        if not EMAIL.compiled.fullmatch(address):
            message = "support: url mailto: bukan satu alamat surel"
            raise FaultyError(
                ("support", place, "url"), message, "misalnya mailto:data@dinas.example", code="GDK-K004"
            )
        found.append(address)
    return tuple(dict.fromkeys(found))


def _custom_place(document: dict[str, Any], name: str) -> Location:
    items = document.get("customProperties") or []
    index = next((i for i, item in enumerate(items) if item.get("property") == name), 0)
    return ("customProperties", index, "value")


def _one_of(
    document: dict[str, Any], custom: dict[str, Any], name: str, default: str, known: tuple[str, ...]
) -> str:
    value = custom.get(name, default)
    if value not in known:
        message = f"{name} {value!r} tidak dikenal"
        raise FaultyError(
            _custom_place(document, name), message, hint_of_known(value, known), code="GDK-K017"
        )
    return value


def _duration(document: dict[str, Any], custom: dict[str, Any], name: str) -> str | None:
    value: str | None = custom.get(name)
    if value is None:
        return None
    found, where = _DURATION.fullmatch(value), _custom_place(document, name)
    if not found:
        message = f"{name} {value!r} bukan durasi ISO 8601"
        raise FaultyError(where, message, "misalnya P1D atau PT6H", code="GDK-K017")
    parts = zip(found.groups(), _PARTS_H, strict=True)
    hours = sum(int(part[:-1]) * each for part, each in parts if part)
    if hours > LONGEST_HOURS:
        message = f"{name} {value!r} melebihi 100 tahun"
        raise FaultyError(where, message, "misalnya P1D atau PT6H", code="GDK-K017")
    return value


def _share(document: dict[str, Any], custom: dict[str, Any], name: str, default: float) -> float:
    value = custom.get(name, default)
    if not 0 <= value <= 1:
        message, hint = f"{name} {value!r} bukan bagian dari 1", "tulis angka dari 0 sampai 1, misalnya 0.5"
        raise FaultyError(_custom_place(document, name), message, hint, code="GDK-K017")
    return float(value)


def _lag(document: dict[str, Any], custom: dict[str, Any]) -> str | None:
    """Returns the lag as text: an ISO 8601 duration for a cursor of times, a number above 0 for one of numbers."""
    value = custom.get("lag")
    if not isinstance(value, int | float):
        return _duration(document, custom, "lag")
    if not 0 < value <= _MOST_LAG:
        message = f"lag {value!r} bukan angka di atas 0 sampai {_MOST_LAG}"
        raise FaultyError(_custom_place(document, "lag"), message, "misalnya 1000", code="GDK-K017")
    return f"{Decimal(str(value)):f}"


def _seconds(document: dict[str, Any], custom: dict[str, Any], name: str) -> int | None:
    try:
        return _positive(custom, name, _LONGEST_S)
    except ValueError as error:
        raise FaultyError(
            _custom_place(document, name), str(error), "detik, misalnya 1800", code="GDK-K017"
        ) from None


def _server(server: dict[str, Any]) -> Server:
    kinds = {"custom": "database", "api": "api", "local": "upload"}
    kind = kinds.get(server.get("type", ""))
    if kind is None:
        message = f"servers: type {server.get('type')!r} tidak dikenal"
        hint = f"{hint_of_known(server.get('type'), kinds)}; custom adalah basis data, local adalah unggahan"
        raise FaultyError(("servers", 0, "type"), message, hint, code="GDK-K007")
    place = "path" if kind == "upload" else "location"
    for key in ("server", place):
        if not server.get(key):
            raise FaultyError(
                ("servers", 0), f"servers: {key} tidak ada", "lihat docs/contracts/index.md", code="GDK-K007"
            )
    if kind != "upload" and (secret := secret_in(str(server[place]))):
        # The message does not repeat it.
        message = f"location memuat {secret} secara terbuka, dan setiap pembaca kontrak melihatnya"
        hint = "pindahkan seluruh URL ke .env, tulis ${GUDANG_SUMBER_<OPD>_URL}, dan ganti kata sandi itu"
        raise FaultyError(("servers", 0, "location"), message, hint, code="GDK-K020")
    custom = custom_properties(server)
    try:
        hours = custom.get("load_hours")
        return Server(
            name=server["server"],
            kind=kind,
            location=str(server[place]),
            rows_per_second=_positive(custom, "rows_per_second", _MOST_PER_SECOND),
            load_hours=_hours(hours) if hours is not None else None,
            statement_timeout=_positive(custom, "statement_timeout", _LONGEST_S) or STATEMENT_TIMEOUT_S,
            wait_limit=_positive(custom, "wait_limit", _LONGEST_S) or WAIT_LIMIT_S,
        )
    except ValueError as error:
        raise FaultyError(
            ("servers", 0, "customProperties"), str(error), "lihat docs/contracts/servers.md", code="GDK-K007"
        ) from None


def _positive(custom: Mapping[str, Any], name: str, most: int) -> int | None:
    value = custom.get(name)
    if value is not None and not 1 <= value <= most:
        raise ValueError(f"{name} {value!r} bukan bilangan bulat dari 1 sampai {most}")
    return value


def _hours(text: str) -> tuple[time, time]:
    """Returns the two times of a text like 20:00-05:00. Raises ValueError for another text."""
    try:
        start, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
        if start.tzinfo or end.tzinfo:
            raise ValueError(text)
    except ValueError:
        raise ValueError(f"load_hours {text!r} bukan rentang jam seperti 20:00-05:00") from None
    return start, end


def _extract(document: dict[str, Any], server: Server, custom: dict[str, Any]) -> Extract:
    kind = {"database": DatabaseExtract, "api": ApiExtract, "upload": FileExtract}[server.kind]
    values = custom.get("extract")
    where = _custom_place(document, "extract")
    if values is None:
        raise FaultyError(
            where, "extract tidak ada", f"tulis apa yang dibaca, lihat {_PAGES[server.kind]}", code="GDK-K016"
        )
    known = sorted(f.name for f in fields(kind))
    if unknown := sorted(set(values) - set(known)):
        message = f"extract: {', '.join(unknown)} tidak dikenal untuk sumber {_KINDS[server.kind]}"
        raise FaultyError((*where, unknown[0]), message, hint_of_known(unknown[0], known), code="GDK-K016")
    if missing := [f.name for f in fields(kind) if f.default is f.default_factory and f.name not in values]:
        message = f"extract: {', '.join(missing)} tidak ada"
        raise FaultyError(where, message, f"lihat {_PAGES[server.kind]}", code="GDK-K016")
    try:
        extract = kind(**values)
    except ContractError as error:
        raise FaultyError(
            (*where, *error.subject.split(".")[1:]),
            error.message,
            error.hint or "",
            code=error.code or "GDK-K016",
        ) from None
    except ValueError as error:
        raise FaultyError(
            where, f"extract: {error}", f"lihat {_PAGES[server.kind]}", code="GDK-K016"
        ) from None
    of_server = document["servers"][0].get("format")
    if isinstance(extract, FileExtract) and of_server != extract.format:
        message = f"format pada servers adalah {of_server!r}, pada extract {extract.format!r}"
        raise FaultyError(("servers", 0, "format"), message, "samakan keduanya", code="GDK-K016")
    return extract


def _partition(document: dict[str, Any], custom: dict[str, Any]) -> Partition | None:
    values = custom.get("partition")
    if values is None:
        return None
    where = _custom_place(document, "partition")
    try:
        start, every = _day(values["start"]), values["every"]
        if every not in tuple(Cadence):
            message = f"partition: every {every!r} tidak dikenal"
            raise FaultyError(where, message, hint_of_known(every, Cadence), code="GDK-K017")
        if windows.begin(Cadence(every), start) != start:
            raise ValueError(f"start {start} bukan hari pertama sebuah jendela {every}")
        return Partition(column=values["column"], every=Cadence(every), start=start)
    except KeyError as error:
        message = f"partition: {error.args[0]} tidak ada"
    except ValueError as error:
        message = f"partition: {error}"
    raise FaultyError(
        where,
        message,
        "{column: ..., every: daily, monthly, semester atau yearly, start: YYYY-MM-DD}",
        code="GDK-K017",
    )


def _day(value: date | str) -> date:
    """Returns a date that YAML has read as a date or as a text. Raises ValueError for another one."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"start {value!r} bukan tanggal") from None
    if not 1900 <= day.year <= 2200:
        raise ValueError(f"start {day} tidak dalam tahun 1900 sampai 2200")
    return day


def _columns(properties: list[dict[str, Any]]) -> tuple[Column, ...]:
    columns: list[Column] = []
    for index, prop in enumerate(properties):
        try:
            columns.append(_column(prop))
        except KeyError as error:
            message = f"{prop.get('name')}: {error.args[0]} tidak ada"
        except ValueError as error:
            message = f"{prop.get('name')}: {error}"
        else:
            continue
        raise FaultyError(
            ("schema", 0, "properties", index), message, "lihat docs/contracts/columns.md", code="GDK-K009"
        )
    return tuple(columns)


def _column(prop: dict[str, Any]) -> Column:
    custom = custom_properties(prop)
    options = prop.get("logicalTypeOptions") or {}

    def option(name: str) -> str | None:
        value = options.get(name)
        return f"{Decimal(str(value)):f}" if isinstance(value, int | float) else value and str(value)

    return Column(
        name=prop["name"],
        source_name=prop.get("physicalName") or prop["name"],
        type=prop["physicalType"],
        logical_type=prop["logicalType"],
        title=prop["businessName"],
        description=prop["description"],
        classification=prop["classification"],
        required=bool(prop.get("required")) or bool(prop.get("primaryKey")),
        unique=bool(prop.get("unique")),
        key=bool(prop.get("primaryKey")),
        enum=tuple((str(e["value"]), str(e.get("label") or e["value"])) for e in prop.get("enum") or []),
        aliases=tuple(_aliases(prop.get("enum") or [])),
        minimum=option("minimum"),
        maximum=option("maximum"),
        exclusive_minimum=option("exclusiveMinimum"),
        exclusive_maximum=option("exclusiveMaximum"),
        multiple_of=option("multipleOf"),
        min_length=options.get("minLength"),
        max_length=options.get("maxLength"),
        pattern=options.get("pattern"),
        format=options.get("format"),
        reference=_reference(prop.get("relationships") or []),
        missing_values=_names(custom.get("missing_values")),
        parse=_names(custom.get("parse")),
        unit=custom.get("satuan"),
        measure=custom.get("ukuran"),
        synonyms=tuple(s["synonym"] for s in prop.get("synonyms") or []),
        pseudonymise=custom.get("pseudonymise"),
        retain_original=custom.get("retain_original"),
        dropped=custom.get("drop", False),
        soft_rules=_names(custom.get("konfirmasi")),
    )


def _names(value: str | list[str] | None) -> tuple[str, ...]:
    """The texts of a list, of a single one, or none."""
    return (value,) if isinstance(value, str) else tuple(value or ())


def _aliases(enum: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Returns each alias of the enum's classes, with the value of its class."""
    for entry in enum:
        for word in _names(custom_properties(entry).get("alias")):
            yield word, str(entry["value"])


def _reference(relationships: list[dict[str, Any]]) -> Reference | None:
    if not relationships:
        return None
    relationship = relationships[0]
    table, column = str(relationship["to"]).split(".")
    custom = custom_properties(relationship)
    normalise = custom.get("normalise")
    if normalise not in (None, "kunci_nama"):
        raise ValueError(
            f"normalise {normalise!r} tidak dikenal ({hint_of_known(normalise, ['kunci_nama'])})"
        )
    where = tuple(sorted((custom.get("where") or {}).items()))
    return Reference(table=table, column=column, where=where, normalise=normalise)
