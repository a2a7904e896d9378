"""A load that kills its own process by SIGKILL at a named stage. Run it as a program, never in the test's own process.

python -m tests.support.doomed <warehouse url> <contract file> <stage> <source table's rows as JSON>

With the number of a load that waits for approval instead of rows, it is the approval that is killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from psycopg import sql

from pipelines.contracts.files import read_contract
from pipelines.contracts.model import Contract
from pipelines.extract.stream import SourceStream, encode_rows
from pipelines.load import ledger, loader, originals
from pipelines.load.apply import reconcile
from pipelines.load.approval.decide import APPROVED, Decision, decide
from pipelines.load.stage import one_pass, statement
from pipelines.quality.gate import GateResult
from pipelines.warehouse.connection import connect
from tests.support.loads import only

STAGES = ("extract", "landing", "cast", "marks", "check", "swap", "ledger", "commit", "afterwards")
RECONCILING = ("keys", "marked", "recorded")
"""Stages of a reconciliation, which runs after the load was applied."""


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_before(holder: Any, name: str) -> None:
    setattr(holder, name, die)


def die_after(holder: Any, name: str) -> None:
    original: Callable[..., Any] = getattr(holder, name)

    def wrapped(*args: Any, **more: Any) -> None:
        original(*args, **more)
        die()

    setattr(holder, name, wrapped)


def die_during(holder: Any, name: str, word: str) -> None:
    """Dies while the server runs the statement that `name` makes. A sleep in the statement keeps it running.

    word: what continues the statement's condition, "where" or "and".
    """
    original: Callable[..., Any] = getattr(holder, name)

    def wrapped(*args: Any, **more: Any) -> Any:
        threading.Timer(0.2, die).start()
        return original(*args, **more) + sql.SQL(f" {word} (select pg_sleep(60)) is not null")  # type: ignore[arg-type]

    setattr(holder, name, wrapped)


def die_at(where: str) -> None:
    match where:
        case "landing":
            die_before(statement, "create_rejected")
        case "cast":
            die_during(one_pass, "create_stage", "where")
        case "marks":
            die_before(one_pass, "drop_marks")
        case "swap":
            die_before(originals, "keep_originals")
        case "ledger":
            die_before(ledger, "close_batch")
        case "commit":
            die_after(ledger, "close_batch")
        case "marked":
            die_during(reconcile, "mark_gone", "and")
        case "recorded":
            die_after(loader, "reconcile_with")
        case _:
            pass


def main() -> None:
    url, path, where, rows = sys.argv[1], Path(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
    contract, faults = read_contract(path)
    assert contract is not None, faults

    def opener(of: Contract, _: str | None) -> SourceStream:
        stream = SourceStream(tuple(c.name for c in of.stored), iter(()), "data")
        names = [c.name for c in contract.stored]
        blocks = encode_rows(only(of, names, rows), stream)

        def blocks_until_death() -> Iterator[bytes]:
            for block in blocks:
                yield block
                if where == "extract" or (where == "keys" and of.columns != contract.columns):
                    die()

        stream.blocks = blocks_until_death()
        return stream

    def gate(_: Any) -> GateResult:
        if where == "check":
            die()
        return GateResult(())

    die_at(where)
    with connect(url) as connection:
        if isinstance(rows, int):
            decide(connection, [contract], Decision(rows, APPROVED, "siti", "cli"))
            die()
        loader.load(connection, contract, opener, gate, run_id="doomed")
    die()


if __name__ == "__main__":
    main()
