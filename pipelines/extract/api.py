"""An OPD's HTTP API as a stream of COPY text, page by page.

What belongs here: JSON to records to cells. Not here: the request (http_client.py), which page is next
(paging.py), types. Numbers keep their exact text. Keys that the contract does not know are common in APIs: a
warning, also under freeze.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec

from pipelines.contracts import ApiExtract, Contract
from pipelines.errors import ContractError, ShapeError, SourceError
from pipelines.extract.http_client import ApiClient
from pipelines.extract.paging import ABSENT, Page, Pager, Request, point
from pipelines.extract.stream import POSITION, SourceStream, encode_rows
from pipelines.settings import resolve

BACKOFF_S = 0.5
MAX_PAGES = 20_000
_SHOWN = 20
_DECODER = msgspec.json.Decoder(float_hook=msgspec.Raw)
_ENCODER = msgspec.json.Encoder()


def open_api(
    contract: Contract,
    *,
    since: str | None = None,
    env: Mapping[str, str] = os.environ,
    timeout: tuple[float, float] = (5, 60),
    backoff: float = BACKOFF_S,
    max_pages: int = MAX_PAGES,
) -> SourceStream:
    """The records of an API in the contract's column order; positions are "halaman <p> rekaman <i>".

    since: value for the contract's incremental_param. timeout: seconds to connect and between bytes.
    backoff: factor in seconds of the waiting between retries. Raises ContractError at once where the contract
    or its environment is wrong; `blocks` raises SourceError, and ShapeError when a key is in no record of the
    first page.
    """
    extract = contract.extract
    if not isinstance(extract, ApiExtract):
        raise ContractError(contract.key, "this dataset is no API", hint="see docs/contracts.md")
    base = resolve(contract.key, contract.server.location, env)
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
        hint = "http://... or https://..."
        raise ContractError(contract.key, f"{contract.server.location} is no URL of an API", hint=hint)
    params = {name: resolve(contract.key, str(value), env) for name, value in extract.params.items()}
    if since is not None and extract.incremental_param:
        params[extract.incremental_param] = since
    url = f"{base.rstrip('/')}/{extract.path.lstrip('/')}"
    pager = Pager(contract.key, url, params, extract.pagination or {})
    client = ApiClient(contract.key, extract.auth, env, timeout, backoff)
    stream = SourceStream((*(c.name for c in contract.stored), POSITION), iter(()), extract.path)
    stream.blocks = _blocks(contract, extract, client, pager, max_pages, stream)
    return stream


def _blocks(
    contract: Contract,
    extract: ApiExtract,
    client: ApiClient,
    pager: Pager,
    max_pages: int,
    stream: SourceStream,
) -> Iterator[bytes]:
    rows = _Rows(contract)
    previous: list[Any] = []
    request: Request | None = pager.first()
    try:
        while request is not None:
            if pager.pages >= max_pages:
                message = f"more than {max_pages} pages"
                raise SourceError(
                    contract.key, message, hint="ask for larger pages, or its paging never ends"
                )
            page = _page(contract.key, extract, client, request, pager)
            if page is None:
                break
            if page.records and page.records == previous:
                message = f"page {pager.pages + 1} repeats the page before it"
                raise SourceError(
                    contract.key, message, hint="the API ignores its paging parameters: correct them"
                )
            yield from encode_rows(rows.of(page.records, pager.pages + 1, stream), stream)
            request = pager.after(page)
            previous = page.records
    finally:
        client.close()
        stream.warnings.extend(pager.warnings)
    if not pager.seen and extract.incremental_param is None:
        stream.warnings.append("the API gave no record")


def _page(
    subject: str, extract: ApiExtract, client: ApiClient, request: Request, pager: Pager
) -> Page | None:
    """The page asked for; None where a server says by 404 that there is none."""
    answer = client.get(request.url, request.params, missing_ok=pager.ends_at_missing_page())
    if answer.body is None:
        return None
    place = f"page {pager.pages + 1}"
    document = _decode(subject, place, answer.body, answer.content_type)
    records = point(document, extract.records)
    if isinstance(records, list):
        return Page(document, cast("list[Any]", records), answer.link)
    if records is ABSENT:
        message = f"{place}: records pointer {extract.records} leads nowhere"
    else:
        message = f"{place}: at records pointer {extract.records!r} stands no list"
    keys = (
        f"its keys: {', '.join(sorted(document)[:_SHOWN])}"
        if isinstance(document, dict)
        else "it is no object"
    )
    raise SourceError(
        subject, f"{message}; {keys}", hint="correct extract.records, or the API told of an error"
    )


def _decode(subject: str, place: str, body: bytes, content_type: str) -> Any:
    text = body.removeprefix(b"\xef\xbb\xbf")
    transient = False
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError as error:
        transient = bool(text.strip()) and "truncated" in str(error)
        message = "the JSON is cut short" if transient else f"not JSON; content type {content_type}"
    except UnicodeDecodeError:
        message = f"the JSON is not in UTF-8; content type {content_type}"
    except RecursionError:
        message = "the JSON is nested too deeply"
    # Raised here, outside the handlers: a chained UnicodeDecodeError would carry the whole body.
    hint = (
        "tell the OPD if it lasts" if transient else "check extract.path; this may be a log-in or error page"
    )
    raise SourceError(subject, f"{place}: {message}", hint=hint, transient=transient)


class _Rows:
    """Records to rows under one contract; looks at the first page's keys."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.paths = [(c.source_name, tuple(c.source_name.split("."))) for c in contract.stored]
        self.known = {c.source_name for c in contract.columns}
        self.checked = False

    def of(self, records: Sequence[Any], page: int, stream: SourceStream) -> Iterator[list[str | None]]:
        for index, record in enumerate(records, 1):
            if not isinstance(record, dict):
                message = f"halaman {page} rekaman {index} is no object"
                raise SourceError(self.contract.key, message, hint="correct extract.records")
        if records and not self.checked:
            self.checked = True
            self._check_keys(cast("Sequence[dict[str, Any]]", records), stream)
        for index, record in enumerate(records, 1):
            cells: list[str | None] = [_text(_value(record, name, path)) for name, path in self.paths]
            cells.append(f"halaman {page} rekaman {index}")
            yield cells

    def _check_keys(self, records: Sequence[dict[str, Any]], stream: SourceStream) -> None:
        gone = [n for n, path in self.paths if all(_value(r, n, path) is ABSENT for r in records)]
        others = sorted({key for record in records for key in _leaves(record, self.known)})
        left_out = (
            f"keys left out, they are not in the contract: {', '.join(others[:_SHOWN])}" if others else ""
        )
        if gone:
            message = f"in no record of the first page: {', '.join(gone)}" + (
                f"; {left_out}" if others else ""
            )
            raise ShapeError(
                self.contract.key, message, hint="ask the OPD, or correct physicalName in the contract"
            )
        if others:
            stream.warnings.append(left_out)


def _leaves(record: Mapping[str, Any], known: set[str], prefix: str = "") -> Iterator[str]:
    """Dotted names that no column reads; an object is looked into where some column reads a part of it."""
    for key, value in record.items():
        name = f"{prefix}{key}"
        if name in known:
            continue
        if isinstance(value, dict) and any(k.startswith(f"{name}.") for k in known):
            yield from _leaves(cast("dict[str, Any]", value), known, f"{name}.")
        elif value is not None or not any(k.startswith(f"{name}.") for k in known):
            yield name


def _value(record: Mapping[str, Any], name: str, path: Sequence[str]) -> Any:
    """The value under a key, or along a dotted path; ABSENT where a key is missing, None below a null."""
    if name in record:
        return record[name]
    value: Any = record
    for key in path:
        if value is None:
            return None
        if not isinstance(value, dict) or key not in value:
            return ABSENT
        value = value[key]
    return value


def _text(value: Any) -> str | None:
    """A JSON value as a cell; a list or object stays JSON."""
    if value is None or value is ABSENT:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode("ascii")
    return _ENCODER.encode(value).decode()
