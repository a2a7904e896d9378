"""Answers the requests of the upload page.

What belongs here: which page a person gets, and that it is theirs. Every page about a dataset or a load is asked
through `_contract` or `_batch`, which answer 404 for what is another OPD's as for what does not exist. Not here:
mark-up (markup/*.j2), queries (ledger.py), what a file must be (uploads.py).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import IO, Any
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from pipelines.contracts.model import Contract
from pipelines.contracts.soft_rules import has_soft_rules
from pipelines.errors import ContractError, GudangError, LoadError, SourceError
from pipelines.extract.upload.zone import Zone
from pipelines.feedback.asked_previews import asked
from pipelines.feedback.confirm import confirm, confirmed, withdraw
from pipelines.load.approval.decide import APPROVED, REJECTED, Decision
from pipelines.load.approval.waiting import waiting_loads
from pipelines.loket import approvals, ledger, template, uploads, words
from pipelines.loket.login import DemoLogin, Login
from pipelines.loket.outbox import MEDIA_TYPES, Returned, returned_files
from pipelines.loket.protection import DOCUMENT_POLICY
from pipelines.loket.receiving import PART, Received, ReceiveError, received, small_form
from pipelines.loket.rendering import ASSETS, render
from pipelines.loket.users import KnownDatasets, Person
from pipelines.quality.freshness import freshness_of, waiting_since

log = logging.getLogger("gudang.loket")
CHECKERS, SENDERS = 1, 2
"""How many files are only checked at a time, and of how many that are sent the beginning is read.

Each workbook takes a process of its own with up to uploads.LIMITS.memory. Who only checks keeps nobody from sending.
"""
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Site:
    """What the page works with. url: of the warehouse. most_bytes: the size of the largest file."""

    datasets: KnownDatasets
    zone: Zone
    url: str
    login: Login
    most_bytes: int


class Pages:
    """The pages of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._checkers, self._senders = CapacityLimiter(CHECKERS), CapacityLimiter(SENDERS)

    # -- datasets -----------------------------------------------------------------------------------------------

    def start(self, request: Request) -> Response:
        """The person's datasets: what is due when, and where each stands."""
        person = self._person(request)
        contracts = sorted(self._site.datasets.of(person), key=lambda c: (c.producer, c.title))
        with ledger.session(self._site.url) as connection:
            standings = ledger.standings(connection, [c.key for c in contracts])
            waiting = waiting_loads(connection, [c.key for c in contracts if c.approval])
            since = waiting_since(connection, contracts)
        now = datetime.now(UTC)
        rows: list[dict[str, Any]] = []
        for contract in contracts:
            standing = standings.get(contract.key)
            arrived = standing.arrived_at if standing else None
            fresh = freshness_of(contract, arrived, now, since.get(contract.key))
            rows.append({"contract": contract, "standing": standing, "fresh": fresh})
        groups = [(producer, [*group]) for producer, group in groupby(rows, lambda r: r["contract"].producer)]
        late = sum(words.freshness(row["fresh"])[0] == "gagal" for row in rows)
        held = sum(row["standing"].rows_quarantined for row in rows if row["standing"])
        return self._page(
            request, "beranda", groups=groups, datasets=len(rows), late=late, held=held, waiting=waiting
        )

    def dataset(self, request: Request) -> Response:
        """A dataset: the form to send a file, and the history; or what a file that was checked would change."""
        contract, number = self._contract(request), request.query_params.get("pratinjau", "")
        if not number:
            return self._dataset(request, contract, sent="terkirim" in request.query_params)
        question = None
        if number.isdecimal() and len(number) < 19:
            with ledger.session(self._site.url) as connection:
                question = asked(connection, contract.key, int(number))
        if question is None:
            raise HTTPException(404)
        return self._dataset(request, contract, question=question)

    async def send(self, request: Request) -> Response:
        """Takes a file: puts it into the zone, or only reads it to say what a load would find."""
        contract = await run_in_threadpool(self._contract, request)
        if contract.server.kind != "upload":
            raise HTTPException(404)
        try:
            async with received(request, self._site.most_bytes) as form:
                return await self._take(request, contract, form)
        except ReceiveError as error:
            return await run_in_threadpool(self._refused, request, contract, error, error.status)

    async def _take(self, request: Request, contract: Contract, form: Received) -> Response:
        """Does with a file that is here what its sender wants."""
        zone, person = self._site.zone, await run_in_threadpool(self._person, request)
        what = (zone, contract, form.path, form.name)
        try:
            if form.fields.get("aksi") == "periksa":
                found = await to_thread.run_sync(uploads.preview, *what, limiter=self._checkers)
                return await run_in_threadpool(self._checked, request, contract, form, found)
            file = await to_thread.run_sync(uploads.check_beginning, *what, limiter=self._senders)
            await run_in_threadpool(
                uploads.accept, zone, contract, file, form.name, person.name, self._site.url
            )
        except (SourceError, ContractError) as error:
            return await run_in_threadpool(self._refused, request, contract, error, 422)
        log.info("%s: berkas diterima dari %s", contract.key, person.name)
        return RedirectResponse(f"/dataset/{contract.key}?terkirim=ya", 303)

    def _checked(
        self, request: Request, contract: Contract, form: Received, found: uploads.Preview
    ) -> Response:
        """What was read of a file; Dagster is asked what a load of it would change."""
        person = self._person(request).name
        number, unasked = uploads.ask_about(
            self._site.zone, contract, form.path, form.name, person, self._site.url
        )
        return self._dataset(request, contract, preview=found, asked_as=number, unasked=unasked)

    def _refused(self, request: Request, contract: Contract, error: GudangError, status: int) -> Response:
        return self._dataset(request, contract, refused=error, status=status)

    def _dataset(self, request: Request, contract: Contract, *, status: int = 200, **more: Any) -> Response:
        of_uploads = contract.server.kind == "upload"
        with ledger.session(self._site.url) as connection:
            standing = ledger.standings(connection, [contract.key]).get(contract.key)
            history = ledger.history(connection, contract.key, of_uploads=of_uploads)
            since = waiting_since(connection, [contract]).get(contract.key)
            scores = ledger.scores(connection, contract.key)
        arrived = standing.arrived_at if standing else None
        fresh = freshness_of(contract, arrived, datetime.now(UTC), since)
        return self._page(
            request, "dataset", status, contract=contract, standing=standing, fresh=fresh, history=history,
            scores=scores, has_template=template.has_template(contract),
            is_csv=of_uploads and template.is_csv(contract),
            most=self._site.most_bytes, part=PART, **more,
        )  # fmt: skip

    def form(self, request: Request) -> Response:
        """The form to fill in for a dataset, as XLSX or CSV."""
        contract, suffix = self._contract(request), f".{request.path_params['kind']}"
        known = template.has_template(contract) and (".xlsx", ".csv")[: 1 + template.is_csv(contract)]
        if not known or suffix not in known:
            raise HTTPException(404)
        content = (
            template.csv_template(contract) if suffix == ".csv" else template.workbook_template(contract)
        )
        return _download(content, MEDIA_TYPES[suffix], template.file_name(contract, suffix))

    # -- loads ---------------------------------------------------------------------------------------------------

    def findings(self, request: Request) -> Response:
        """All rows of a dataset that wait in quarantine, by rule, and what is confirmed."""
        done = next((what for what in ("dikonfirmasi", "ditarik") if what in request.query_params), None)
        return self._findings(request, self._contract(request), done=done)

    async def confirm(self, request: Request) -> Response:
        """Takes a confirmation that values of refused rows are right, which the next load accepts, or takes it back."""
        contract = await run_in_threadpool(self._contract, request)
        try:
            form = await small_form(request)
        except ReceiveError as error:
            return await run_in_threadpool(
                self._findings, request, contract, refused=error, status=error.status
            )
        return await run_in_threadpool(self._confirm, request, contract, form)

    def _confirm(self, request: Request, contract: Contract, form: dict[str, list[str]]) -> Response:
        def one(name: str) -> str:
            return form.get(name, [""])[0]

        takes_back = one("aksi") == "tarik"
        chosen = form.get("konfirmasi" if takes_back else "entri", [])
        numbers = [int(text) for text in chosen if text.isdecimal() and len(text) < 19]
        by, reason = self._person(request).name, one("alasan")
        try:
            if not numbers:
                raise GudangError(contract.key, "belum ada sel yang dipilih", hint="pilih selnya")
            with ledger.session(self._site.url) as connection:
                if takes_back:
                    withdraw(connection, contract, numbers, by=by, via="loket", reason=reason)
                else:
                    only = (one("kolom"), one("aturan"))
                    confirm(connection, contract, numbers, by=by, via="loket", reason=reason, only=only)
        except GudangError as error:
            return self._findings(request, contract, refused=error, status=422)
        done = "ditarik" if takes_back else "dikonfirmasi"
        return RedirectResponse(f"/dataset/{contract.key}/temuan?{done}=ya", 303)

    def _findings(self, request: Request, contract: Contract, *, status: int = 200, **more: Any) -> Response:
        with ledger.session(self._site.url) as connection:
            found = ledger.findings(connection, contract.key)
            kept = confirmed(connection, contract, ledger.HISTORY) if has_soft_rules(contract) else []
        return self._page(
            request, "temuan", status, contract=contract, groups=_by_rule(found), batch=None, files=(),
            names=words.column_names(contract), soft=_soft(contract), waiting=None, decided=None, kept=kept, **more,
        )  # fmt: skip

    def load(self, request: Request) -> Response:
        """One load: what it did, and what was found in it."""
        return self._load(request)

    def _load(self, request: Request, status: int = 200, undecided: GudangError | None = None) -> Response:
        batch, contract = self._batch(request)
        number = batch.batch_id or 0
        with ledger.session(self._site.url) as connection:
            found = ledger.findings(connection, contract.key, number)
            waiting = approvals.waiting_load(connection, contract.key, number)
            decided = approvals.last_decision(connection, number)
        files = self._returned(batch, contract)
        return self._page(
            request, "temuan", status, contract=contract, batch=batch, groups=_by_rule(found), files=files,
            names=words.column_names(contract), soft=_soft(contract), waiting=waiting, decided=decided,
            undecided=undecided, kept=(),
        )  # fmt: skip

    async def decide(self, request: Request) -> Response:
        """Writes down what a walidata decides about a load that waits for approval. Nobody else may decide."""
        try:
            form = await small_form(request)
        except ReceiveError as error:
            return await run_in_threadpool(self._load, request, error.status, error)
        what, reason = ("".join(form.get(name, [])[:1]) for name in ("putusan", "alasan"))
        return await run_in_threadpool(self._decide, request, what, reason)

    def _decide(self, request: Request, what: str, reason: str) -> Response:
        batch, contract = self._batch(request)
        person, number = self._person(request), batch.batch_id or 0
        if not person.is_walidata:
            raise HTTPException(403)
        try:
            with ledger.session(self._site.url) as connection:
                if approvals.waiting_load(connection, contract.key, number) is None:
                    raise GudangError(f"kiriman {number}", "tidak lagi menunggu persetujuan")
                decided = approvals.last_decision(connection, number)
                if decided and decided.is_expected:
                    raise GudangError(f"kiriman {number}", f"sudah diputuskan oleh {decided.decided_by}")
                word = {"setuju": APPROVED, "tolak": REJECTED}.get(what, what)
                said = "" if word == APPROVED else reason
                approvals.write_down(connection, Decision(number, word, person.name, "loket", said))
        except LoadError:
            raise
        except GudangError as error:
            return self._load(request, 422, error)
        log.info("kiriman %d: diputuskan oleh %s", number, person.name)
        return RedirectResponse(f"/muatan/{number}", 303)

    def returned(self, request: Request) -> Response:
        """A file that the OPD gets back about a load."""
        batch, contract = self._batch(request)
        files = self._returned(batch, contract)
        wanted = next((file for file in files if file.name == request.path_params["name"]), None)
        if wanted is None:
            raise HTTPException(404)
        opened = wanted.path.open("rb")
        response = StreamingResponse(_blocks(opened), media_type=MEDIA_TYPES[wanted.suffix])
        if wanted.suffix == ".html":
            response.headers["Content-Security-Policy"] = DOCUMENT_POLICY
        else:
            response.headers["Content-Disposition"] = _attachment(wanted.name)
        return response

    # -- help, log-in, files of our own --------------------------------------------------------------------------

    def help(self, request: Request) -> Response:
        """The short guide for the OPD's people."""
        self._person(request)
        return self._page(request, "bantuan", most=self._site.most_bytes)

    def choose(self, request: Request) -> Response:
        """The demo's log-in: a list of made-up people."""
        return self._page(request, "masuk", people=self._demo().users.people)

    async def enter(self, request: Request) -> Response:
        """Takes the choice of a made-up person."""
        login = self._demo()
        async with request.form(max_files=0, max_fields=4, max_part_size=1_000) as form:
            person = login.users.find(str(form.get("nama", "")))
        if person is None:
            raise HTTPException(404)
        response = RedirectResponse("/", 303)
        login.enter(response, person)
        return response

    def leave(self, request: Request) -> Response:  # noqa: ARG002
        """Ends the demo's log-in."""
        response = RedirectResponse("/masuk", 303)
        self._demo().leave(response)
        return response

    def asset(self, request: Request) -> Response:
        """Style or script."""
        content, kind = ASSETS.get(request.path_params["name"], (None, ""))
        if content is None:
            raise HTTPException(404)
        return Response(content, media_type=kind, headers={"Cache-Control": "max-age=300"})

    def refuse(self, request: Request, error: Exception) -> Response:
        """The page about an error that is the answer: not found, no log-in, the warehouse does not answer."""
        if isinstance(error, HTTPException):
            status = error.status_code
            if status == 401 and isinstance(self._site.login, DemoLogin):
                return RedirectResponse("/masuk", 303)
        else:
            status = 503
            log.error("%s", error if isinstance(error, GudangError) else type(error).__name__)
        return render(request, "galat", status, person=None, is_demo=False, code=status)

    def _page(self, request: Request, name: str, status: int = 200, **values: Any) -> Response:
        person, is_demo = self._site.login.person(request), isinstance(self._site.login, DemoLogin)
        return render(request, name, status, person=person, is_demo=is_demo, **values)

    def _person(self, request: Request) -> Person:
        person = self._site.login.person(request)
        if person is None:
            raise HTTPException(401)
        return person

    def _contract(self, request: Request) -> Contract:
        """The contract that the address names, if it is the person's to see."""
        return self._contract_of(request, f"{request.path_params['opd']}/{request.path_params['dataset']}")

    def _contract_of(self, request: Request, key: str) -> Contract:
        contract = self._site.datasets.find(self._person(request), key)
        if contract is None:
            raise HTTPException(404)
        return contract

    def _batch(self, request: Request) -> tuple[ledger.OneBatch, Contract]:
        """The load that the address names, and its contract, if it is the person's to see."""
        person, number = self._person(request), request.path_params["batch"]
        with ledger.session(self._site.url) as connection:
            batch = ledger.batch(connection, number) if number < 1 << 63 else None
        contract = self._site.datasets.find(person, batch.dataset) if batch else None
        if batch is None or contract is None:
            raise HTTPException(404)
        return batch, contract

    def _returned(self, batch: ledger.OneBatch, contract: Contract) -> list[Returned]:
        return returned_files(self._site.zone, contract, batch.batch_id or 0, batch.name)

    def _demo(self) -> DemoLogin:
        if not isinstance(self._site.login, DemoLogin):
            raise HTTPException(404)
        return self._site.login


def _by_rule(found: list[ledger.Finding]) -> list[list[ledger.Finding]]:
    """Findings of the same column and rule together."""
    return [[*group] for _, group in groupby(found, key=lambda f: (f.column_name, f.rule))]


def _soft(contract: Contract) -> set[tuple[str, str]]:
    """The columns and rules that the OPD may confirm."""
    return {(column.name, rule) for column in contract.columns for rule in column.soft_rules}


def _download(content: bytes, kind: str, name: str) -> Response:
    return Response(content, media_type=kind, headers={"Content-Disposition": _attachment(name)})


def _attachment(name: str) -> str:
    """A header that names a download; the name may hold any character (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block
