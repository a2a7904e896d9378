"""How an API parts its records into pages: what to ask next, and when all has come.

What belongs here: following the `pagination` of a contract, JSON pointers (RFC 6901). Not here: its vocabulary
(contract_api.py), requests, cells. A short page alone is never the end: a server may hide records of a page, or give
fewer than asked. Only a total, an empty page or one that is not there, a next that is missing says so, or the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from pipelines.errors import SourceError

ABSENT = object()
"""What `point` gives where a pointer leads nowhere."""
_LONGEST_MARK = 8192


@dataclass(frozen=True, slots=True)
class Request:
    """One page to ask for; `params` are added to those that `url` has."""

    url: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: the decoded document, its records, and the URL of its Link header with rel="next"."""

    document: Any
    records: list[Any]
    link: str | None = None


def point(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer ("" is the document), or ABSENT."""
    value = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return ABSENT
    return value


@dataclass
class Pager:
    """Walks the pages of one reading. `seen` counts records; `warnings` say what could not be made sure."""

    subject: str
    url: str
    params: Mapping[str, str]
    spec: Mapping[str, Any]
    seen: int = 0
    pages: int = 0
    warnings: list[str] = field(default_factory=list[str])
    _total: int | None = None
    _usual: int = 0
    _asked: set[str] = field(default_factory=set[str])

    def first(self) -> Request:
        params = dict(self.params)
        if "size_param" in self.spec and "size" in self.spec:
            params[str(self.spec["size_param"])] = str(self.spec["size"])
        start = {"page": "1", "offset": "0"}.get(str(self.spec.get("type")))
        if start is not None:
            params[str(self.spec["param"])] = start
        return Request(self.url, params)

    def after(self, page: Page) -> Request | None:
        """The next request, or None when all has come. Raises SourceError where the count is wrong."""
        self.seen += len(page.records)
        self.pages += 1
        if "total" in self.spec:
            self._note_total(self._read_total(page.document))
        following = self._following(page)
        if following is None and self._total is not None and self._total != self.seen:
            message = f"the API says it has {self._total} records but gave {self.seen}"
            raise SourceError(
                self.subject,
                message,
                hint="the data changed while it was read, or paging is wrong",
                transient=True,
            )
        return following

    def ends_at_missing_page(self) -> bool:
        """Whether a 404 for the page just asked means the end: some servers answer so past the last page."""
        return self.spec.get("type") == "page" and self._total is None and self.pages > 0

    def _following(self, page: Page) -> Request | None:
        match self.spec.get("type"):
            case None:
                return None
            case "page" | "offset" as kind:
                if self._is_last(len(page.records)):
                    return None
                step = self.pages + 1 if kind == "page" else self.seen
                return Request(self.url, {**self.first().params, str(self.spec["param"]): str(step)})
            case "cursor":
                cursor = self._next(page.document)
                if cursor is None:
                    return None
                return Request(
                    self.url, {**self.first().params, str(self.spec["param"]): self._fresh(cursor)}
                )
            case "link":
                return self._at(page.link)
            case _:
                return self._at(self._next(page.document))

    def _is_last(self, count: int) -> bool:
        """With a total: when it is reached. Else at an empty page, or where the contract says that it is the last:
        one shorter than those before it."""
        if not count:
            return True
        if self._total is not None:
            return self.seen >= self._total
        short = count < self._usual
        self._usual = max(self._usual, count)
        return short and bool(self.spec.get("short_page_is_last"))

    def _note_total(self, total: int) -> None:
        """A total that moves means that records did too, and perhaps from a page not yet read to one that was."""
        if self._total is not None and total != self._total:
            message = f"the API's total went from {self._total} to {total} while it was read"
            hint = "the data changed meanwhile: load it again, or at a quieter hour"
            raise SourceError(self.subject, message, hint=hint, transient=True)
        self._total = total

    def _read_total(self, document: Any) -> int:
        total = point(document, str(self.spec["total"]))
        if isinstance(total, int) and not isinstance(total, bool):
            return total
        if isinstance(total, str) and total.isdecimal():
            return int(total)
        message = f"there is no number at total {self.spec['total']}"
        raise SourceError(self.subject, message, hint="correct pagination.total in the contract")

    def _next(self, document: Any) -> str | None:
        pointer = str(self.spec["next"])
        value = point(document, pointer)
        if value is ABSENT:
            if point(document, pointer.rpartition("/")[0]) is ABSENT:
                message = f"next {pointer} leads nowhere"
                raise SourceError(self.subject, message, hint="correct pagination.next in the contract")
            if self.pages == 1:
                self.warnings.append(f"the API's answer has no {pointer}: taken as the only page")
            return None
        if value is None or value is False or value == "":
            return None
        if isinstance(value, (str, int)) and len(str(value)) <= _LONGEST_MARK:
            return str(value)
        message = f"next {pointer} is no text, or longer than a URL may be"
        raise SourceError(self.subject, message, hint="correct pagination.next in the contract")

    def _at(self, target: str | None) -> Request | None:
        """A link as a request to our own server: a proxy's inner scheme and port are not followed."""
        if target is None:
            return None
        base = urlsplit(self.url)
        try:
            linked = urlsplit(urljoin(self.url, target))
        except ValueError:
            linked = None
        if linked is None:
            raise SourceError(self.subject, "the link to the next page is no URL", hint="ask the OPD")
        if linked.hostname != base.hostname:
            message = "the next page is on another host"
            raise SourceError(self.subject, message, hint="ask the OPD; credentials are never sent elsewhere")
        url = urlunsplit((base.scheme, base.netloc, linked.path, linked.query, ""))
        return Request(self._fresh(url), {})

    def _fresh(self, mark: str) -> str:
        if mark in self._asked:
            message = f"the API leads from page {self.pages} back to one already read"
            raise SourceError(self.subject, message, hint="its paging does not advance: ask the OPD")
        self._asked.add(mark)
        return mark
