"""Carries out what a person decided about a waiting load: approves it, or rejects it with a reason.

An approval applies exactly the staged rows, by the code of every load, in one transaction with the ledger: a process
that is killed leaves the load waiting or loaded. Who, when and why stands in ops.load_decision. Not here: who may
decide, which the callers know (cli/, sensors/, loket/).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.errors import GudangError, LoadError, with_code
from pipelines.load import failures, ledger, pseudonyms
from pipelines.load.apply.passed import apply_passed
from pipelines.load.approval import waiting
from pipelines.load.approval.waiting import CONTRACT_CHANGED, Waiting
from pipelines.load.arrivals import contract_mark
from pipelines.load.ledger import Batch
from pipelines.load.plan import Held, LoadPlan, create_raw, oldest_kept
from pipelines.load.stage.statement import delete_expired_staged
from pipelines.load.waits import WAITS, Waits
from pipelines.redaction.personal_shapes import ALL, masked
from pipelines.warehouse import locks
from pipelines.warehouse.time_limit import limit_statements

log = logging.getLogger("gudang.muat")

APPROVED, REJECTED = "approved", "rejected"
WORDS: Mapping[str, str] = {APPROVED: "disetujui", REJECTED: "ditolak"}
LONGEST_REASON = 1000
_LOST = "barisnya tidak ada lagi, misalnya karena gudang data dipulihkan dari cadangan"


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided about a load. by: who, as the log-in names them. via: cli, dagster or loket.

    reason: kept in one line, with what looks like a person's number masked, because the OPD and operators read it.
    number: of its row in ops.load_decision, if the upload page has written one; else the row is written now.
    """

    batch_id: int
    decision: str
    by: str
    via: str
    reason: str = ""
    number: int | None = None

    def __post_init__(self) -> None:
        if self.decision not in WORDS:
            raise GudangError(self.subject, f"keputusan {self.decision!r} tidak dikenal")
        if not self.by.strip():
            raise GudangError(self.subject, "tidak diketahui siapa yang memutuskan")
        if self.decision == REJECTED and not self.reason.strip():
            raise GudangError(
                self.subject, "penolakan memerlukan alasan", hint="tulis apa yang harus diperbaiki OPD"
            )
        object.__setattr__(self, "reason", masked(" ".join(self.reason.split()), ALL))
        if len(self.reason) > LONGEST_REASON:
            raise GudangError(self.subject, f"alasannya lebih dari {LONGEST_REASON} huruf")

    @property
    def subject(self) -> str:
        """The load, as a person reads it."""
        return f"kiriman {self.batch_id}"


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision has done. batch: the ledger entry after it. done_before: in Indonesian, "" if it is done now."""

    batch: Batch
    done_before: str = ""


def decide(
    connection: Connection[Any], contracts: Sequence[Contract], decision: Decision, *, waits: Waits = WAITS
) -> Decided:
    """Carries out a decision. To carry it out once more does nothing.

    connection: in autocommit. Raises GudangError if the load does not wait (any more), or raw refuses it: then it still
    waits, unless its contract has changed. A decision of the upload page keeps the error.
    """
    try:
        contract = _contract(connection, contracts, decision)
        with ledger.dataset_lock(connection, contract.key):
            return _decide(connection, contract, decision, waits)
    except Exception as error:
        fault = failures.describe_failure(decision.subject, error, locks=waits.locks)
        if decision.number is not None and not connection.closed:
            connection.execute(
                "update ops.load_decision set done_at = clock_timestamp(), error = %s where decision_id = %s"
                " and done_at is null",
                [str(fault), decision.number],
            )
        raise fault from None


def open_decisions(connection: Connection[Any]) -> list[Decision]:
    """The decisions of the upload page that are not carried out yet, in their order."""
    rows = connection.execute(
        "select batch_id, decision, decided_by, via, coalesce(reason, ''), decision_id from ops.load_decision"
        " where done_at is null order by decision_id"
    ).fetchall()
    return [Decision(*row) for row in rows]


def carry_out_open(connection: Connection[Any], contracts: Sequence[Contract]) -> list[str]:
    """Carries out what was decided on the upload page. Gives a line about each, in Indonesian.

    For a night without the daemon, whose sensor does it else.
    """
    lines: list[str] = []
    for decision in open_decisions(connection):
        try:
            done = decide(connection, contracts, decision)
        except GudangError as error:
            lines.append(f"putusan loket gagal: {error}")
            continue
        what = done.done_before or f"{WORDS[decision.decision]} oleh {decision.by}"
        lines.append(f"{decision.subject} ({done.batch.dataset}): {what}")
    return lines


def _contract(connection: Connection[Any], contracts: Sequence[Contract], decision: Decision) -> Contract:
    row = connection.execute(
        "select dataset from ops.load_batch where batch_id = %s", [decision.batch_id]
    ).fetchone()
    if row is None:
        hint = "`gudang status` menyebut kiriman yang menunggu persetujuan"
        raise GudangError(decision.subject, "tidak ada", hint=hint)
    found = next((c for c in contracts if c.key == row[0]), None)
    if found is None:
        raise GudangError(decision.subject, f"kontrak {row[0]} tidak ada, atau ada salahnya")
    return found


def _decide(connection: Connection[Any], contract: Contract, decision: Decision, waits: Waits) -> Decided:
    batch = _batch(connection, contract, decision.batch_id)
    everything = waiting.waiting_loads(connection, [contract.key])
    held = next((w for w in everything if w.batch_id == decision.batch_id), None)
    if held is None:
        return _not_waiting(connection, batch, decision)
    _require_newest(connection, decision)
    if decision.decision == REJECTED:
        batch.state, batch.code = "rejected", "GDK-M013"
        message = f"ditolak walidata: {decision.reason}"
        batch.error = with_code(message, batch.code)
        batch.failure = {"code": batch.code, "message": message, "hint": ""}
        with connection.transaction():
            # A full refresh that is rejected leaves its uploads as they were before.
            waiting.note_outcome(connection, batch.batch_id, None if held.full_refresh else "rejected")
            waiting.drop_stage(connection, batch.batch_id)
            _record(connection, decision)
            ledger.close_batch(connection, batch)
        return Decided(batch)
    _require_current(connection, contract, held)
    older = [w for w in everything if w.batch_id < held.batch_id and waiting.overlap(w.window, held.window)]
    if older:
        raise GudangError(
            decision.subject,
            f"kiriman {older[0].batch_id} datang lebih dahulu dan masih menunggu",
            hint=f"putuskan dahulu kiriman {older[0].batch_id}",
        )
    _approve(connection, contract, held, batch, decision, waits)
    return Decided(batch)


def _require_newest(connection: Connection[Any], decision: Decision) -> None:
    """Raises GudangError if somebody decided otherwise on the upload page before this decision was carried out."""
    newer = connection.execute(
        "select 1 from ops.load_decision where batch_id = %s and decision_id > %s and done_at is null limit 1",
        [decision.batch_id, decision.number],
    ).fetchone()
    if newer:
        raise GudangError(decision.subject, "putusan ini diganti putusan yang lebih baru")


def _not_waiting(connection: Connection[Any], batch: Batch, decision: Decision) -> Decided:
    """The same decision was carried out before, or another one; raises GudangError for what never waited."""
    row = connection.execute(
        "select decision, decided_by, to_char(done_at at time zone 'Asia/Makassar', 'YYYY-MM-DD HH24:MI')"
        " from ops.load_decision where batch_id = %s and done_at is not null and error is null"
        " order by decision_id limit 1",
        [batch.batch_id],
    ).fetchone()
    if row is None:
        why = f"digantikan: {batch.error}" if batch.state == "superseded" else "tidak menunggu persetujuan"
        raise GudangError(decision.subject, why)
    done = f"sudah {WORDS[row[0]]} oleh {row[1]} pada {row[2]} WITA"
    if row[0] != decision.decision:
        raise GudangError(decision.subject, done)
    if decision.number is not None:
        connection.execute(
            "update ops.load_decision set done_at = clock_timestamp(), error = %s where decision_id = %s"
            " and done_at is null",
            [done, decision.number],
        )
    return Decided(batch, done)


def _require_current(connection: Connection[Any], contract: Contract, held: Waiting) -> None:
    """Raises LoadError if the staged rows are not what today's contract would stage, or are gone. Then it is over."""
    plan = LoadPlan(contract, held.batch_id)
    there = connection.execute(
        "select to_regclass(%s) is not null", [plan.stage.as_string(connection)]
    ).fetchone() == (True,)
    if there and held.contract_mark == contract_mark(contract):
        return
    why = f"{CONTRACT_CHANGED if there else _LOST}; {held.how_again}"
    waiting.end_waiting(connection, held, why)
    raise LoadError(contract.key, f"kiriman {held.batch_id}: {why}", code="GDK-M014")


def _approve(
    connection: Connection[Any],
    contract: Contract,
    held: Waiting,
    batch: Batch,
    decision: Decision,
    waits: Waits,
) -> None:
    plan, rows, shape = _held_plan(connection, contract, held, waits)
    for statement in create_raw(contract):
        connection.execute(statement)
    pseudonyms.require_keys(connection, plan)
    applying = limit_statements(connection, contract, "menerapkan baris")
    with applying, connection.transaction():
        locks.limit_waiting(connection, waits.locks.total)
        if expired := delete_expired_staged(plan):
            gone = connection.execute(expired).rowcount
            rows, batch.read = rows - gone, batch.read - gone
        apply_passed(connection, plan, batch, rows, shape, refused=False)
        waiting.note_outcome(connection, batch.batch_id, batch.state)
        waiting.drop_stage(connection, batch.batch_id)
        _record(connection, decision)
        ledger.close_batch(connection, batch)
    for message in batch.warnings:
        log.warning("%s: %s", contract.key, message)


def _held_plan(
    connection: Connection[Any], contract: Contract, held: Waiting, waits: Waits
) -> tuple[LoadPlan, int, dict[str, str]]:
    """The plan by which the load was staged, the number of its staged rows, and the source's shape."""
    row = connection.execute(
        "select file, since, allow_empty, exact, cursor_text, key_fingerprints, rows_staged, shape"
        " from ops.load_approval where batch_id = %s",
        [held.batch_id],
    ).fetchone()
    assert row is not None
    file, since, allow_empty, exact, cursor_text, fingerprints, rows, shape = row
    plan = LoadPlan(
        contract,
        held.batch_id,
        held.window,
        since=since,
        full_refresh=held.full_refresh,
        file=file,
        exact=frozenset(exact),
        allow_empty=allow_empty,
        oldest=oldest_kept(contract),
        held=Held(cursor_text, fingerprints),
        waits=waits,
    )
    return plan, rows, shape


def _batch(connection: Connection[Any], contract: Contract, batch_id: int) -> Batch:
    """The load's entry in the ledger."""
    row = connection.execute(
        "select state, source_name, source_fingerprint, rows_read, rows_quarantined, rows_damaged, rows_confirmed,"
        " rows_unreachable, error, code, seconds, coalesce(found, '{}') from ops.load_batch where batch_id = %s",
        [batch_id],
    ).fetchone()
    assert row is not None
    (
        state,
        name,
        fingerprint,
        read,
        quarantined,
        damaged,
        confirmed,
        unreachable,
        error,
        code,
        seconds,
        found,
    ) = row
    return Batch(
        batch_id, contract.key, state, source_name=name, fingerprint=fingerprint, read=read, quarantined=quarantined,
        damaged=damaged, confirmed=confirmed or 0, unreachable=unreachable, error=error, code=code,
        seconds=seconds, found=found,
    )  # fmt: skip


def _record(connection: Connection[Any], decision: Decision) -> None:
    """Writes that the decision is carried out, in the transaction that does it."""
    if decision.number is not None:
        connection.execute(
            "update ops.load_decision set done_at = clock_timestamp() where decision_id = %s",
            [decision.number],
        )
        return
    connection.execute(
        "insert into ops.load_decision (batch_id, decision, reason, decided_by, via, done_at)"
        " values (%s, %s, %s, %s, %s, clock_timestamp())",
        [
            decision.batch_id,
            decision.decision,
            decision.reason or None,
            decision.by,
            decision.via,
        ],
    )
