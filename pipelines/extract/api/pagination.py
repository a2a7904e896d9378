"""Reads the pages of an API one after the other: decides which page is next, and when all records have arrived.

What belongs here: a class for each kind of `pagination` that a contract may declare. Not here: its vocabulary
(contracts/api.py), requests, cells.

A page with fewer records than usual need not be the last one: a server may hide records, or give fewer than requested.
Nor need an empty page be the last one: some servers answer an error as an empty page. A reading ends when the total is
reached, when the answer says that there is no next page, or at a page that the contract describes as the last one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from pipelines.contracts.api import EMPTY, MISSING, SHORT
from pipelines.errors import SourceError
from pipelines.extract.json.pointers import ABSENT, point

_LONGEST_MARK = 8192
_ASK_OPD = "tanyakan kepada OPD"
_FIX_NEXT = "perbaiki pagination.next di kontrak"


@dataclass(frozen=True, slots=True)
class Request:
    """The request for one page. params: parameters that are added to those in `url`."""

    url: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: the decoded document, its records, and the URL of its Link header with rel="next"."""

    document: Any
    records: list[Any]
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a reading's end is recognised. total: JSON pointer to the number of records. last_page: see the contract."""

    total: str | None = None
    last_page: str | None = None


class Pager:
    """Decides about the pages of one reading; this base class is for an API that gives everything in one answer.

    seen, pages: the number of records and pages so far. warnings: messages about what could not be verified.
    """

    def __init__(self, subject: str, first: Request, ending: Ending | None = None) -> None:
        self.subject = subject
        self.first = first
        self.seen = 0
        self.pages = 0
        self.warnings: list[str] = []
        self._ending = ending or Ending()
        self._total: int | None = None
        self._repeat: str | None = None
        self._probed = False

    def after(self, page: Page) -> Request | None:
        """Returns the next request; None if all records have arrived. Raises SourceError if their number is wrong."""
        self.seen += len(page.records)
        self.pages += 1
        if self._ending.total is not None:
            self._note_total(_read_total(self.subject, page.document, self._ending.total))
        following = self._following(page)
        if following is None and self._total is not None and self._total != self.seen:
            message = f"API menyebut {self._total} rekaman, tetapi memberi {self.seen}"
            raise self._fault(
                message,
                "data berubah selama dibaca, atau pagination di kontrak keliru",
                transient=True,
                code="GDK-S013",
            )
        return following

    def ends_at_missing_page(self) -> bool:
        """Whether a 404 for the last request means the end."""
        return self._ending.last_page == MISSING and self.pages > 0

    def note_repeat(self, number: int, earlier: int, *, keyed: bool) -> Request | None:
        """Handles a page `number` that repeats the records of page `earlier`. Raises SourceError if it may not.

        Pages may be equal if the records have no key and a total shows whether all have arrived. Then returns a request
        for the page after the last one: if it has records, the server ignores its page parameter. `check_beyond` takes
        the answer. Returns None if that page was already requested in this reading, or if it cannot be computed.
        """
        self._repeat = self._repeat or f"halaman {number} mengulang halaman {earlier}"
        if keyed or self._total is None:
            raise self._repeated()
        if self._probed:
            return None
        self._probed = True
        self.warnings.append(
            f"{self._repeat}: keduanya dimuat, karena total API menghitungnya dan kontrak tidak punya kunci utama;"
            " jika baris tidak boleh ganda, nyatakan kunci utama"
        )
        return self._beyond(self._total)

    def check_beyond(self, page: Page | None) -> None:
        """Raises SourceError if the page after the last one has records."""
        if page is not None and page.records:
            raise self._repeated()

    def _following(self, page: Page) -> Request | None:  # noqa: ARG002  # for other kinds
        return None

    def _beyond(self, total: int) -> Request | None:  # noqa: ARG002  # for other kinds
        """Returns the request for the page after the last one; None if it cannot be computed."""
        return None

    def _refuse_empty_end(self, page: Page) -> None:
        """Raises SourceError if an empty page would end the reading, and nothing shows that it is the last one.

        A total shows whether all records have arrived. The first page may be empty: there may be no records.
        """
        is_known = self._total is not None or self._ending.last_page in (EMPTY, SHORT)
        if page.records or self.pages == 1 or is_known:
            return
        hint = "jika API menjawab kesalahan sebagai halaman kosong, isi extract.error; jika halaman kosong memang"
        hint += " penutupnya, isi pagination.last_page: empty"
        message = f"halaman {self.pages} tidak berisi rekaman, dan tidak ada tanda bahwa itu halaman terakhir"
        raise self._fault(message, hint, transient=True, code="GDK-S013")

    def _note_total(self, total: int) -> None:
        """Stores the total. Raises SourceError if it has changed.

        Then records may have moved from a page that was not yet read to one already read, and would be missed.
        """
        if self._total is not None and total != self._total:
            message = f"total API berubah dari {self._total} menjadi {total} selama dibaca"
            raise self._fault(
                message, "muat lagi, atau pada jam yang lebih sepi", transient=True, code="GDK-S013"
            )
        self._total = total

    def _repeated(self) -> SourceError:
        hint = (
            "API mengabaikan parameter halaman, atau menjawab dari cache: perbaiki. API yang memberi halaman"
        )
        hint += " terakhirnya lagi perlu pagination.total, atau last_page: short"
        return self._fault(str(self._repeat), hint, code="GDK-S013")

    def _fault(self, message: str, hint: str, *, code: str, transient: bool = False) -> SourceError:
        return SourceError(self.subject, message, hint=hint, transient=transient, code=code)


class CountedPages(Pager, ABC):
    """Pages whose numbers we compute, because the answer does not say which one is next."""

    START: int

    def __init__(self, subject: str, first: Request, param: str, ending: Ending | None = None) -> None:
        super().__init__(subject, first, ending)
        self._param = param
        self._most = 0
        self.first = self._at(self.START)

    def _at(self, place: int) -> Request:
        return Request(self.first.url, {**self.first.params, self._param: str(place)})

    def _following(self, page: Page) -> Request | None:
        return None if self._is_last(page) else self._at(self._next_place())

    @abstractmethod
    def _next_place(self) -> int:
        """The number by which the next page is requested."""

    def _is_last(self, page: Page) -> bool:
        """Whether this is the last page. Raises SourceError for an empty page that may be an error.

        An empty page is the last one. With a total, the page that reaches it is. Else a page with fewer records than an
        earlier one is, if the contract says so (`last_page: short`).
        """
        count = len(page.records)
        if not count:
            self._refuse_empty_end(page)
            return True
        short = count < self._most
        self._most = max(self._most, count)
        if self._total is not None:
            return self.seen >= self._total
        return short and self._ending.last_page == SHORT


class NumberedPages(CountedPages):
    """`?page=1`, `?page=2`, and so on."""

    START = 1

    def _next_place(self) -> int:
        return self.pages + 1

    def _beyond(self, total: int) -> Request:
        return self._at(total // self._most + 2)


class OffsetPages(CountedPages):
    """`?offset=0`, then the number of records read so far."""

    START = 0

    def _next_place(self) -> int:
        return self.seen

    def _beyond(self, total: int) -> Request:
        return self._at(total)


class FollowedPages(Pager):
    """Pages whose answers name the next page."""

    def __init__(self, subject: str, first: Request, ending: Ending | None = None) -> None:
        super().__init__(subject, first, ending)
        self._asked: set[str] = set()

    def _unseen(self, mark: str) -> str:
        """Returns `mark` (a cursor or URL). Raises SourceError if it was followed before."""
        if mark in self._asked:
            message = f"API mengarahkan dari halaman {self.pages} kembali ke halaman yang sudah dibaca"
            raise self._fault(message, f"halaman API berputar: {_ASK_OPD}", code="GDK-S013")
        self._asked.add(mark)
        return mark

    def _linked(self, target: str | None) -> Request | None:
        """Turns a link into a request to the API's own server. Raises SourceError for another host.

        Scheme and port of the link are not used: they may be those of a server behind a proxy.
        """
        if target is None:
            return None
        base = urlsplit(self.first.url)
        try:
            linked = urlsplit(urljoin(self.first.url, target))
        except ValueError:
            linked = None
        if linked is None:
            raise self._fault("tautan ke halaman berikutnya bukan URL", _ASK_OPD, code="GDK-S013")
        if linked.hostname != base.hostname:
            hint = f"{_ASK_OPD}; kredensial tidak dikirim ke host lain"
            raise self._fault("halaman berikutnya ada di host lain", hint, code="GDK-S019")
        url = urlunsplit((base.scheme, base.netloc, linked.path, linked.query, ""))
        return Request(self._unseen(url), {})

    def _read_next(self, page: Page, pointer: str) -> str | None:
        """Returns the cursor or URL at `pointer`; None if there is no next page."""
        value = point(page.document, pointer)
        if value is ABSENT:
            self._refuse_empty_end(page)
            if point(page.document, pointer.rpartition("/")[0]) is ABSENT:
                raise self._fault(f"next {pointer} tidak ada dalam jawaban API", _FIX_NEXT, code="GDK-S013")
            if self.pages == 1:
                self.warnings.append(f"jawaban API tidak punya {pointer}: dianggap satu-satunya halaman")
            return None
        if value is None or value is False or value == "":
            return None
        if isinstance(value, (str, int)) and len(str(value)) <= _LONGEST_MARK:
            return str(value)
        raise self._fault(
            f"next {pointer} bukan teks, atau lebih panjang dari sebuah URL", _FIX_NEXT, code="GDK-S013"
        )


class LinkPages(FollowedPages):
    """The next page is in the answer's Link header (RFC 8288)."""

    def _following(self, page: Page) -> Request | None:
        if page.link is None:
            self._refuse_empty_end(page)
        return self._linked(page.link)


class NextUrlPages(FollowedPages):
    """The URL of the next page is in the document."""

    def __init__(self, subject: str, first: Request, pointer: str, ending: Ending | None = None) -> None:
        super().__init__(subject, first, ending)
        self._pointer = pointer

    def _following(self, page: Page) -> Request | None:
        return self._linked(self._read_next(page, self._pointer))


class CursorPages(FollowedPages):
    """A cursor for the next page is in the document, and is sent as a parameter."""

    def __init__(
        self, subject: str, first: Request, param: str, pointer: str, ending: Ending | None = None
    ) -> None:
        super().__init__(subject, first, ending)
        self._param, self._pointer = param, pointer

    def _following(self, page: Page) -> Request | None:
        cursor = self._read_next(page, self._pointer)
        if cursor is None:
            return None
        return Request(self.first.url, {**self.first.params, self._param: self._unseen(cursor)})


def make_pager(subject: str, url: str, params: Mapping[str, str], spec: Mapping[str, Any]) -> Pager:
    """Returns the pager for a contract's valid `pagination`; {} means an API without pages."""
    params = dict(params)
    if "size_param" in spec and "size" in spec:
        params[str(spec["size_param"])] = str(spec["size"])
    first = Request(url, params)
    ending = Ending(spec.get("total"), spec.get("last_page"))
    match spec.get("type"):
        case None:
            return Pager(subject, first, ending)
        case "page":
            return NumberedPages(subject, first, str(spec["param"]), ending)
        case "offset":
            return OffsetPages(subject, first, str(spec["param"]), ending)
        case "cursor":
            return CursorPages(subject, first, str(spec["param"]), str(spec["next"]), ending)
        case "link":
            return LinkPages(subject, first, ending)
        case _:
            return NextUrlPages(subject, first, str(spec["next"]), ending)


def _read_total(subject: str, document: Any, pointer: str) -> int:
    total = point(document, pointer)
    if isinstance(total, int) and not isinstance(total, bool):
        return total
    if isinstance(total, str) and total.isdecimal():
        return int(total)
    raise SourceError(
        subject,
        f"tidak ada angka di total {pointer}",
        hint="perbaiki pagination.total di kontrak",
        code="GDK-S013",
    )
