"""An ODCS document that has the right form, as a `Contract`.

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
from typing import Any, cast

from pipelines.contracts.api import ApiExtract
from pipelines.contracts.columns import Column, Reference
from pipelines.contracts.model import (
    CHECK_TIMEOUT_S,
    STATEMENT_TIMEOUT_S,
    WAIT_LIMIT_S,
    Cadence,
    Contract,
    DatabaseExtract,
    Extract,
    MergeStrategy,
    Partition,
    Server,
    WriteDisposition,
)
from pipelines.contracts.odcs import FaultyError, Location, custom_properties
from pipelines.contracts.upload import FileExtract
from pipelines.errors import ContractError, GudangError
from pipelines.redaction.secrets import secret_in

_DURATION = re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?")


def make_contract(path: Path, document: dict[str, Any]) -> Contract:
    """The contract of `document`. Raises FaultyError at the place, or ContractError where two parts disagree."""
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
        publish=bool(custom.get("publish", False)),
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
    )


def _custom_place(document: dict[str, Any], name: str) -> Location:
    items = document.get("customProperties") or []
    index = next((i for i, item in enumerate(items) if item.get("property") == name), 0)
    return ("customProperties", index, "value")


def _one_of(
    document: dict[str, Any], custom: dict[str, Any], name: str, default: str, known: tuple[str, ...]
) -> str:
    value = custom.get(name, default)
    if value not in known:
        raise FaultyError(_custom_place(document, name), f"{name} {value!r} is unknown", " or ".join(known))
    return value


def _duration(document: dict[str, Any], custom: dict[str, Any], name: str) -> str | None:
    value = custom.get(name)
    if value is not None and not _DURATION.fullmatch(str(value)):
        raise FaultyError(
            _custom_place(document, name), f"{name} {value!r} is no ISO 8601 duration", "such as P1D or PT6H"
        )
    return value


def _share(document: dict[str, Any], custom: dict[str, Any], name: str, default: float) -> float:
    value = custom.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        hint = "a number from 0 to 1, such as 0.5"
        raise FaultyError(_custom_place(document, name), f"{name} {value!r} is no share", hint)
    return float(value)


def _lag(document: dict[str, Any], custom: dict[str, Any]) -> str | None:
    """An ISO 8601 duration of a cursor that is a time, a number above 0 of one that is a number; as text."""
    value = custom.get("lag")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _duration(document, custom, "lag")
    if not 0 < value < float("inf"):
        raise FaultyError(
            _custom_place(document, "lag"), f"lag {value!r} is no number above 0", "such as 1000"
        )
    return f"{Decimal(str(value)):f}"


def _seconds(document: dict[str, Any], custom: dict[str, Any], name: str) -> int | None:
    try:
        return _positive(custom, name)
    except ValueError as error:
        raise FaultyError(_custom_place(document, name), str(error), "seconds, such as 1800") from None


def _server(server: dict[str, Any]) -> Server:
    kinds = {"local": "upload", "api": "api", "custom": "database"}
    kind = kinds.get(server.get("type", ""))
    if kind is None:
        raise FaultyError(
            ("servers", 0, "type"), f"server type {server.get('type')!r}", "custom (database), api or local"
        )
    location = server.get("path") if kind == "upload" else server.get("location")
    if not location or not server.get("server"):
        raise FaultyError(("servers", 0), "server has no name or no location", "see docs/contracts.md")
    if kind != "upload" and (secret := secret_in(str(location))):
        # Not repeated: the message would show it once more.
        message = (
            f"location holds its {secret} itself, and everybody who reads the contract or a message sees it"
        )
        hint = "put the whole URL into .env and write ${GUDANG_SUMBER_<OPD>_URL}, and change this password"
        raise FaultyError(("servers", 0, "location"), message, hint)
    custom = custom_properties(server)
    try:
        hours = custom.get("load_hours")
        return Server(
            name=server["server"],
            kind=kind,
            location=str(location),
            rows_per_second=_positive(custom, "rows_per_second"),
            load_hours=_hours(str(hours)) if hours is not None else None,
            statement_timeout=_positive(custom, "statement_timeout") or STATEMENT_TIMEOUT_S,
            wait_limit=_positive(custom, "wait_limit") or WAIT_LIMIT_S,
        )
    except ValueError as error:
        raise FaultyError(("servers", 0, "customProperties"), str(error), "see docs/contracts.md") from None


def _positive(custom: Mapping[str, Any], name: str) -> int | None:
    value = custom.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} {value!r} is no whole number above 0")
    return value


def _hours(text: str) -> tuple[time, time]:
    """ "20:00-05:00" as its two times."""
    try:
        start, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
    except ValueError:
        raise ValueError(f"load_hours {text!r} is no span of hours such as 20:00-05:00") from None
    return start, end


def _extract(document: dict[str, Any], server: Server, custom: dict[str, Any]) -> Extract:
    kind = {"database": DatabaseExtract, "api": ApiExtract, "upload": FileExtract}[server.kind]
    values = custom.get("extract")
    where = _custom_place(document, "extract")
    if not isinstance(values, dict):
        raise FaultyError(where, "extract is missing", f"say what to read from this {server.kind}")
    values = cast("dict[str, Any]", values)
    known = {f.name for f in fields(kind)}
    if unknown := sorted(set(values) - known):
        message = f"extract of a {server.kind} knows no {', '.join(unknown)}"
        raise FaultyError((*where, unknown[0]), message, f"known: {', '.join(sorted(known))}")
    try:
        extract = kind(**values)
    except ContractError as error:
        raise FaultyError((*where, *error.subject.split(".")[1:]), error.message, error.hint or "") from None
    except (TypeError, ValueError, AttributeError) as error:
        message = f"extract: {error}".replace("__init__() ", "")
        raise FaultyError(where, message, "see docs/contracts.md") from None
    said = document["servers"][0].get("format")
    if isinstance(extract, FileExtract) and said != extract.format:
        message = f"the server's format is {said!r}, that of extract {extract.format!r}"
        raise FaultyError(("servers", 0, "format"), message, "make them agree")
    return extract


def _partition(document: dict[str, Any], custom: dict[str, Any]) -> Partition | None:
    values = custom.get("partition")
    if values is None:
        return None
    where = _custom_place(document, "partition")
    try:
        start = (
            values["start"] if isinstance(values["start"], date) else date.fromisoformat(str(values["start"]))
        )
        every = str(values["every"])
        if every not in tuple(Cadence):
            raise FaultyError(where, f"partition every {every!r} is unknown", " or ".join(Cadence))
        return Partition(column=values["column"], every=Cadence(every), start=start)
    except KeyError as error:
        missing = f"partition has no {error.args[0]}"
    except (TypeError, ValueError) as error:
        missing = f"partition: {error}"
    raise FaultyError(where, missing, "{column: ..., every: daily or monthly, start: YYYY-MM-DD}")


def _columns(properties: list[dict[str, Any]]) -> tuple[Column, ...]:
    columns: list[Column] = []
    for index, prop in enumerate(properties):
        try:
            columns.append(_column(prop))
        except (KeyError, TypeError, ValueError, GudangError) as error:
            raise FaultyError(("schema", 0, "properties", index), f"{prop.get('name')}: {error}") from None
    return tuple(columns)


def _column(prop: dict[str, Any]) -> Column:
    custom = custom_properties(prop)
    options = prop.get("logicalTypeOptions") or {}
    parse = custom.get("parse") or ()

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
        missing_values=tuple(str(v) for v in custom.get("missing_values") or ()),
        parse=(parse,) if isinstance(parse, str) else tuple(str(name) for name in parse),
        unit=custom.get("satuan"),
        measure=custom.get("ukuran"),
        synonyms=tuple(s["synonym"] for s in prop.get("synonyms") or []),
        pseudonymise=custom.get("pseudonymise"),
        retain_original=custom.get("retain_original"),
        dropped=bool(custom.get("drop", False)),
    )


def _aliases(enum: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Every alias of a class and the class's value."""
    for entry in enum:
        aliases = custom_properties(entry).get("alias") or ()
        for word in [aliases] if isinstance(aliases, str) else aliases:
            yield str(word), str(entry["value"])


def _reference(relationships: list[dict[str, Any]]) -> Reference | None:
    if not relationships:
        return None
    relationship = relationships[0]
    table, column = str(relationship["to"]).split(".")
    custom = custom_properties(relationship)
    normalise = custom.get("normalise")
    if normalise not in (None, "kunci_nama"):
        raise ValueError(f"normalise {normalise!r} is unknown (kunci_nama)")
    where = tuple(sorted((str(k), str(v)) for k, v in (custom.get("where") or {}).items()))
    return Reference(table=table, column=column, where=where, normalise=normalise)
