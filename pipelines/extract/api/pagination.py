"""How an API parts its records into pages: what to ask next, and when all has come.

What belongs here: following the `pagination` of a contract, JSON pointers (RFC 6901). Not here: its vocabulary
(contracts/api.py), requests, cells.

A short page alone is never the end: a server may hide records of a page, or give fewer than asked. Neither is an empty
page: some servers answer an error as one. A reading ends where a total is reached, where the answer says that there is
no next page, or where a page looks like what the contract declares as the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from pipelines.contracts.api import EMPTY, MISSING, SHORT
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
    _repeat: str | None = None
    _probed: bool = False
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
        """Whether a 404 for the page just asked means the end."""
        return self._last_page == MISSING and self.pages > 0

    def note_repeat(self, number: int, earlier: int, *, keyed: bool) -> Request | None:
        """What to ask, to find out whether page `number` may have the same records as page `earlier`.

        Two pages may be equal where records have no key and a total says whether all have come. A server that ignores
        its paging parameters gives records also for a page behind the last one: that is asked for, once.
        Raises SourceError where pages may not be equal.
        """
        self._repeat = self._repeat or f"page {number} repeats page {earlier}"
        if keyed or self._total is None:
            raise self._repeated()
        if self._probed:
            return None
        self._probed = True
        self.warnings.append(
            f"{self._repeat}: both are kept, for the total counts them and no column is a key; where no row may come"
            " twice, declare a primary key"
        )
        if self.spec["type"] not in ("page", "offset"):
            return None
        return self._counted(self._total // self._usual + 2, self._total)

    def check_beyond(self, page: Page | None) -> None:
        """Raises SourceError where the page behind the last one has records."""
        if page is not None and page.records:
            raise self._repeated()

    def _repeated(self) -> SourceError:
        hint = "the API ignores its paging parameters, or serves pages from a cache: correct them. One that gives its"
        hint += " last page again needs pagination.total, or last_page: short"
        return SourceError(self.subject, str(self._repeat), hint=hint)

    @property
    def _last_page(self) -> str | None:
        return self.spec.get("last_page")

    def _counted(self, page: int, offset: int) -> Request:
        step = page if self.spec["type"] == "page" else offset
        return Request(self.url, {**self.first().params, str(self.spec["param"]): str(step)})

    def _following(self, page: Page) -> Request | None:
        match self.spec.get("type"):
            case None:
                return None
            case "page" | "offset":
                return None if self._is_last(page) else self._counted(self.pages + 1, self.seen)
            case "cursor":
                cursor = self._next(page)
                if cursor is None:
                    return None
                return Request(
                    self.url, {**self.first().params, str(self.spec["param"]): self._fresh(cursor)}
                )
            case "link":
                if page.link is None:
                    self._refuse_empty_end(page)
                return self._at(page.link)
            case _:
                return self._at(self._next(page))

    def _is_last(self, page: Page) -> bool:
        """With a total: when it is reached. Else where the page is what the contract calls the last one."""
        count = len(page.records)
        if not count:
            self._refuse_empty_end(page)
            return True
        short = count < self._usual
        self._usual = max(self._usual, count)
        if self._total is not None:
            return self.seen >= self._total
        return short and self._last_page == SHORT

    def _refuse_empty_end(self, page: Page) -> None:
        """Raises SourceError where an empty page would end the reading, and nothing says that it is the last.

        A total says by itself whether all records came. The first page may be empty: there may be no record.
        """
        if page.records or self.pages == 1 or self._total is not None or self._last_page in (EMPTY, SHORT):
            return
        message = f"page {self.pages} has no record, and nothing says that it is the last"
        hint = "an API that answers an error as an empty page is declared by extract.error; where an empty page is the"
        hint += " end, say pagination.last_page: empty"
        raise SourceError(self.subject, message, hint=hint, transient=True)

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

    def _next(self, page: Page) -> str | None:
        pointer = str(self.spec["next"])
        value = point(page.document, pointer)
        if value is ABSENT:
            self._refuse_empty_end(page)
            if point(page.document, pointer.rpartition("/")[0]) is ABSENT:
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
