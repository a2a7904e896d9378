"""Reads an OPD's HTTP API as a stream of COPY text, page by page.

What belongs here: the way from the first page to the last, and what may be wrong with a page as a whole. Not here: the
request (client.py), which page is next (pagination.py), JSON (extract/json/values.py), keys (extract/json/records.py).

Keys that the contract does not know are left out with a warning if the contract freezes; if it evolves they go into
EXTRA. load/drift.py finds out whether a key is new.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote, urlsplit

import msgspec

from pipelines.contracts.api import BPS_DATA, ApiExtract
from pipelines.contracts.model import Contract
from pipelines.contracts.raw_table import EXTRA, POSITION
from pipelines.contracts.upload import KEY, KEYED
from pipelines.errors import ContractError, ShapeError, SourceError
from pipelines.extract.api.client import ApiClient
from pipelines.extract.api.deadline import Limits
from pipelines.extract.api.pagination import Page, Pager, Request, make_pager
from pipelines.extract.json import bps
from pipelines.extract.json.pointers import ABSENT, point
from pipelines.extract.json.records import MAX_KEYS, Fields
from pipelines.extract.json.shapes import shaped_records
from pipelines.extract.json.values import decode, digest
from pipelines.extract.source_limits import Clock, WaitBudget
from pipelines.extract.source_names import may_show_unknown_names, redact_names
from pipelines.extract.stream import SourceStream, encode_rows
from pipelines.redaction.personal_shapes import masked
from pipelines.settings import references, resolve

MAX_PAGES = 20_000
_LONGEST_MESSAGE = 200
_LONG_NUMBER = re.compile(r"\d(?:[ .,_/-]?\d){4,}")
_KNOWN_KEYS = {BPS_DATA: bps.COLUMNS, KEYED: (KEY,)}
"""Keys that a shape adds to each record; there is no warning if no column reads them."""


def open_api(
    contract: Contract,
    *,
    since: str | None = None,
    env: Mapping[str, str] = os.environ,
    limits: Limits | None = None,
    waiting: WaitBudget | None = None,
    clock: Clock | None = None,
    max_pages: int = MAX_PAGES,
    max_keys: int = MAX_KEYS,
) -> SourceStream:
    """Opens an API as a stream of its records, in the contract's column order; positions "halaman <p> rekaman <i>".

    since: the value for the contract's incremental_param. limits: the limits of each request. waiting: the wait budget
    that all readings of one load share. max_pages, max_keys: the most pages, and the most different keys.
    Raises ContractError at once if the contract or its environment variables are wrong. `blocks` raises SourceError,
    and ShapeError if a key of the contract is in no record of the first page (if the contract evolves: a required key).
    """
    extract = contract.extract
    if not isinstance(extract, ApiExtract):
        raise ContractError(
            contract.key, "dataset ini bukan dari API", hint="lihat docs/contracts/apis.md", code="GDK-K022"
        )
    base = resolve(contract.key, contract.server.location, env)
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
        hint = "tulis http://... atau https://..."
        raise ContractError(
            contract.key, f"{contract.server.location} bukan URL sebuah API", hint=hint, code="GDK-K019"
        )
    params = {name: resolve(contract.key, str(value), env) for name, value in extract.params.items()}
    if since is not None and extract.incremental_param:
        params[extract.incremental_param] = since
    # An environment variable fills one part of the path, whatever characters it has.
    quoted = {name: quote(env.get(name, ""), safe="") for name in references(extract.path)}
    path = resolve(contract.key, extract.path, quoted)
    url = f"{base.rstrip('/')}/{path.lstrip('/')}"
    pager = make_pager(contract.key, url, params, extract.pagination or {})
    named = references(" ".join((extract.path, *map(str, extract.params.values()))))
    waiting = waiting or WaitBudget()
    waiting.limit = contract.server.wait_limit
    client = ApiClient(contract.key, extract.auth, env, limits, named, waiting, clock)
    extra = (EXTRA,) if contract.evolves else ()
    stream = SourceStream((*(c.name for c in contract.stored), *extra, POSITION), iter(()), extract.path)
    records = _Records(contract, stream, _KNOWN_KEYS.get(extract.shape or "", ()), max_keys)
    stream.blocks = _blocks(contract, extract, client, pager, max_pages, records, stream)
    return stream


def _blocks(
    contract: Contract,
    extract: ApiExtract,
    client: ApiClient,
    pager: Pager,
    max_pages: int,
    records: _Records,
    stream: SourceStream,
) -> Iterator[bytes]:
    read: dict[bytes, int] = {}
    request: Request | None = pager.first
    try:
        while request is not None:
            if pager.pages >= max_pages:
                hint = "minta halaman yang lebih besar; mungkin pagination-nya tidak berakhir"
                raise SourceError(contract.key, f"lebih dari {max_pages} halaman", hint=hint, code="GDK-S013")
            page = _page(contract, extract, client, request, pager)
            if page is None:
                break
            number = pager.pages + 1
            earlier = read.setdefault(digest(page.records), number) if page.records else number
            if earlier != number:
                beyond = pager.note_repeat(number, earlier, keyed=bool(contract.primary_key))
                if beyond is not None:
                    pager.check_beyond(_page(contract, extract, client, beyond, pager, missing_ok=True))
            yield from encode_rows(records.rows(page.records, number), stream)
            request = pager.after(page)
        records.finish()
    finally:
        client.close()
        stream.warnings.extend(pager.warnings)
    if not pager.seen and extract.incremental_param is None:
        stream.warnings.append("API tidak memberi rekaman")


def _page(
    contract: Contract,
    extract: ApiExtract,
    client: ApiClient,
    request: Request,
    pager: Pager,
    *,
    missing_ok: bool = False,
) -> Page | None:
    """Requests a page and returns it; None if the server answers 404 and this is allowed."""
    answer = client.get(request.url, request.params, missing_ok=missing_ok or pager.ends_at_missing_page())
    if answer.body is None:
        return None
    place = f"halaman {pager.pages + 1}"
    subject = contract.key
    document = decode(
        subject, place, answer.body, answer.content_type, show_keys=may_show_unknown_names(contract)
    )
    _check_error_field(contract, extract, document, place)
    records = point(document, extract.records)
    if extract.shape is not None and records is not ABSENT:
        return Page(document, shaped_records(subject, place, extract.shape, records), answer.link)
    if isinstance(records, list):
        return Page(document, cast("list[Any]", records), answer.link)
    if records is ABSENT:
        message = f"{place}: records {extract.records} tidak ada dalam jawaban"
    else:
        message = f"{place}: nilai di records {extract.records!r} bukan daftar"
    keys = (
        f"kuncinya: {redact_names(contract, sorted(cast('dict[str, Any]', document)))}"
        if isinstance(document, dict)
        else "jawabannya bukan objek"
    )
    hint = "perbaiki extract.records atau extract.shape; jika jawaban itu kesalahan, isi extract.error"
    raise SourceError(subject, f"{message}; {keys}", hint=hint, code="GDK-S012")


def _check_error_field(contract: Contract, extract: ApiExtract, document: Any, place: str) -> None:
    """Raises SourceError if the field that the contract declares says that the answer is an error.

    The API's own message is shown if the contract has no personal column, shortened and without long numbers.
    """
    declared = extract.error_field
    if declared is None:
        return
    value = point(document, declared.field)
    if any(_same(value, ok) for ok in declared.ok) or (value is ABSENT and None in declared.ok):
        return
    message = f"{place}: API menjawab 200 dengan kesalahan di {declared.field}"
    reason = point(document, declared.message) if declared.message else ABSENT
    if isinstance(reason, str) and reason.strip() and may_show_unknown_names(contract):
        shown = _LONG_NUMBER.sub("***", masked(" ".join(reason.split())))
        message += f", dengan pesan: {shown[:_LONGEST_MESSAGE]!r}"
    hint = "tanyakan kepada OPD; perbaiki extract.error bila jawaban ini sebenarnya baik"
    raise SourceError(contract.key, message, hint=hint, transient=True, code="GDK-S009")


def _same(value: Any, ok: Any) -> bool:
    """Whether a JSON value equals the one that the contract names: false is not 0, and 0 is 0.0."""
    if isinstance(value, msgspec.Raw):
        value = float(bytes(value))
    return value == ok and isinstance(value, bool) == isinstance(ok, bool)


class _Records:
    """Turns the pages of one reading into rows, and fills the stream's shape and warnings."""

    def __init__(
        self, contract: Contract, stream: SourceStream, known: Collection[str], max_keys: int
    ) -> None:
        self._contract = contract
        self._stream = stream
        self._fields = Fields(contract, stream.shape, known, max_keys)
        self._checked = False

    def rows(self, records: Sequence[Any], page: int) -> Iterator[list[str | None]]:
        """Gives the rows of one page in the stream's columns. An invalid record raises SourceError first."""
        places = [f"halaman {page} rekaman {index}" for index in range(1, len(records) + 1)]
        flat = [self._flat(record, place) for record, place in zip(records, places, strict=True)]
        for record in flat:
            self._fields.add_new_keys(record)
        if flat and not self._checked:
            self._checked = True
            self._check_first_page()
        for record, place in zip(flat, places, strict=True):
            yield [*self._fields.cells(record), place]

    def finish(self) -> None:
        """Adds the warnings that are known only at the end of the reading."""
        if not self._checked:
            return
        if gone := self._fields.missing_keys():
            self._stream.warnings.append(f"tidak ada di rekaman mana pun, jadi kosong: {', '.join(gone)}")
        if (others := self._fields.unknown_keys()) and not self._contract.evolves:
            self._stream.warnings.append(_left_out(self._contract, others))

    def _flat(self, record: Any, place: str) -> Mapping[str, Any]:
        if not isinstance(record, dict):
            hint = "perbaiki extract.records"
            raise SourceError(self._contract.key, f"{place} bukan objek", hint=hint, code="GDK-S012")
        return self._fields.flat(cast("dict[str, Any]", record), place)

    def _check_first_page(self) -> None:
        gone = self._fields.missing_keys()
        if self._contract.evolves:
            needed = {c.source_name for c in self._contract.stored if c.required or c.key}
            gone = [name for name in gone if name in needed]
        if not gone:
            return
        message = f"tidak ada di rekaman mana pun pada halaman pertama: {', '.join(gone)}"
        if others := self._fields.unknown_keys():
            message = f"{message}; {_left_out(self._contract, others)}"
        hint = "tanyakan kepada OPD, atau perbaiki physicalName di kontrak"
        raise ShapeError(self._contract.key, message, hint=hint, code="GDK-S005")


def _left_out(contract: Contract, others: Sequence[str]) -> str:
    return f"kunci yang dilewati karena tidak ada di kontrak: {redact_names(contract, sorted(others))}"
