"""Contracts with one kind of source each, and decoders of COPY's formats, for the tests of extract/."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from psycopg import postgres
from psycopg.adapt import Transformer
from psycopg.pq import Format

from pipelines.contracts.api import ApiExtract
from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract, Extract, Server, WriteDisposition
from pipelines.contracts.upload import FileExtract

_ESCAPED = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


def decode_copy(blocks: Iterable[bytes]) -> list[list[str | None]]:
    """The rows of COPY text, decoded as PostgreSQL does it."""
    rows = b"".join(blocks).decode("utf-8").split("\n")
    assert rows.pop() == ""
    return [[_decode_field(field) for field in row.split("\t")] for row in rows]


def _decode_field(field: str) -> str | None:
    if field == "\\N":
        return None
    parts = iter(field)
    return "".join(_ESCAPED[next(parts)] if c == "\\" else c for c in parts)


def decode_binary(blocks: Iterable[bytes], kinds: Sequence[str]) -> list[list[str | None]]:
    """The rows of COPY's binary format, by psycopg's own decoders. kinds: the types of the first fields; then text."""
    given = b"".join(blocks)
    assert given.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8)) and given.endswith(b"\xff\xff")
    rows: list[list[str | None]] = []
    at = 19
    while at < len(given) - 2:
        (fields,) = struct.unpack_from("!h", given, at)
        at += 2
        row: list[str | None] = []
        for place in range(fields):
            (length,) = struct.unpack_from("!i", given, at)
            at += 4
            kind = kinds[place] if place < len(kinds) else "text"
            row.append(None if length < 0 else _decoded(given[at : at + length], kind))
            at += max(0, length)
        rows.append(row)
    return rows


def _decoded(field: bytes, kind: str) -> str:
    oid = postgres.types.get_oid(kind.split("(")[0])
    return str(Transformer().get_loader(oid, Format.BINARY).load(field))


def column(name: str, source_name: str | None = None) -> Column:
    return Column(name, source_name or name, "text", "string", name, name, "terbuka")


def upload_contract(
    *columns: Column | str,
    schema_contract: str = "freeze",
    file_format: str = "csv",
    pattern: str = "*",
    **extract: Any,
) -> Contract:
    server = Server("unggahan", "upload", "samarinda/penduduk")
    how = FileExtract(format=file_format, pattern=pattern, **extract)
    return _contract("samarinda/penduduk", columns, server, how, schema_contract)


def api_contract(*columns: Column | str, schema_contract: str = "freeze", **extract: Any) -> Contract:
    """A dataset of the API at ${GUDANG_SUMBER_UJI_URL}. With incremental_param its first column is the cursor."""
    how = ApiExtract(**{"path": "/v1/izin", "records": "/data", **extract})
    made = _contract(
        "dpmptsp/izin",
        columns,
        Server("uji", "api", "${GUDANG_SUMBER_UJI_URL}"),
        replace(how, incremental_param=None),
        schema_contract,
    )
    if how.incremental_param is None:
        return made
    first, *others = made.columns
    return replace(
        made,
        extract=how,
        columns=(replace(first, required=True), *others),
        disposition=WriteDisposition.APPEND,
        cursor=first.name,
    )


def _contract(
    key: str, columns: Iterable[Column | str], server: Server, extract: Extract, schema_contract: str
) -> Contract:
    opd, dataset = key.split("/")
    return Contract(
        opd=opd,
        dataset=dataset,
        title=dataset,
        domain="uji",
        purpose="",
        usage="",
        limitations="",
        producer=f"Dinas {opd}",
        contact="",
        server=server,
        extract=extract,
        columns=tuple(column(c) if isinstance(c, str) else c for c in columns),
        disposition=WriteDisposition.REPLACE,
        path=Path(f"{key}.odcs.yaml"),
        schema_contract=schema_contract,
    )
