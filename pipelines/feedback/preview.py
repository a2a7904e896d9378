"""Says what the load of a file would do, and changes nothing: the load is made in a transaction that is rolled back.

So a preview counts by the code of every load, with the same rules, gate and dispositions. It waits for the dataset's
lock before its transaction begins, and holds it and the locks of a load until it has counted. What belongs here: the
preview as a value. Not here: printing it (cli/), the steps of a load (load/).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from psycopg import Connection, sql

from pipelines.contracts.model import Contract
from pipelines.contracts.soft_rules import severity
from pipelines.errors import GudangError, LoadError
from pipelines.extract.source import open_source
from pipelines.extract.stream import SourceStream, Wanted
from pipelines.extract.upload.files import UploadedFile
from pipelines.feedback.entries import findings_of_load, open_entries
from pipelines.feedback.loads import JudgedLoad, load_of
from pipelines.findings.catalogue import Severity, code_of, entry
from pipelines.ingest import Loads, describe_batch
from pipelines.load.failures import describe_failure, is_of_the_source
from pipelines.load.ledger import Batch, Changes, dataset_lock
from pipelines.load.loader import Staged, load
from pipelines.quality.gate import GateResult
from pipelines.settings import Settings

_NONE = Changes(0, 0, 0, 0)
Seen = TypeVar("Seen")
RUN_ID = "pratinjau"
"""The run of a load that is rolled back; no row of the ledger keeps it."""
UNKNOWN = "unknown"
"""The state of a preview that could not be made, through no fault of the file."""


@dataclass(frozen=True, slots=True)
class Found:
    """How many cells of a file break a rule of this code; 1 for what concerns the file as a whole."""

    code: str
    severity: Severity
    count: int

    @property
    def title(self) -> str:
        """What the catalogue calls it."""
        return entry(self.code).title


@dataclass(frozen=True, slots=True)
class Preview:
    """What the load of a file would do.

    state: that of the load (ops.load_batch): loaded, unchanged, waiting, rejected or failed; or UNKNOWN. changes: rows
    of raw that it would add, change, leave and remove; all 0 if nothing of it would go into raw. refused: rows that
    would go to the quarantine. why: in Indonesian, why nothing would go into raw or could be counted; "" otherwise.
    """

    name: str
    state: str
    changes: Changes = _NONE
    refused: int = 0
    found: tuple[Found, ...] = ()
    warnings: tuple[str, ...] = ()
    why: str = ""

    @property
    def is_known(self) -> bool:
        """Whether a file with this content was loaded before, so that its rows are not compared again."""
        return self.state == "unchanged" and not (self.changes.unchanged or self.refused)


def preview(
    connection: Connection[Any], contract: Contract, settings: Settings, file: UploadedFile
) -> Preview:
    """What a load of the file would do now, as if it were the last one to come into the upload zone.

    connection: in autocommit. file: anywhere, with the name that it would have in the zone. A fault of the file is a
    preview in state `failed`. Raises GudangError for any other fault: the warehouse does not answer, another session
    holds a lock for too long, the zone is gone, the contract does not fit the table.
    """
    with rolled_back(connection, contract):
        loads = Loads(connection, contract, settings, connection, RUN_ID)
        try:
            batch = loads.load_file(file).batch
        except GudangError as error:
            if not is_of_the_source(error):
                raise
            return Preview(file.name, "failed", found=found_of(error.code), why=str(error))
        assert batch is not None
        judged = load_of(connection, [contract], batch.batch_id)
        return Preview(
            file.name,
            batch.state,
            _NONE if judged.is_refused else batch.changes,
            batch.quarantined,
            (*_of_cells(connection, judged), *_of_load(connection, judged)),
            tuple(batch.warnings),
            _why(batch),
        )


def found_of(code: str | None) -> tuple[Found, ...]:
    """A fault that concerns the file as a whole, by its code; nothing if it has none."""
    return (Found(code, entry(code).severity, 1),) if code else ()


def look_at_stage(
    connection: Connection[Any],
    contract: Contract,
    file: UploadedFile,
    look: Callable[[Staged], Seen],
) -> Seen:
    """What `look` finds in the staged rows of a file: repaired, cast, with pseudonyms, without those that are refused.

    The stage is gone afterwards, like everything else of the load. Raises GudangError if the file can't be read or
    staged.
    """
    found: list[Seen] = []

    def opener(of: Contract, _since: str | None) -> SourceStream | None:
        stream = open_source(of, wanted=Wanted(), upload=file)
        return _as_if_new(stream) if stream else None

    def gate(staged: Staged) -> GateResult:
        found.append(look(staged))
        return GateResult(())

    with rolled_back(connection, contract):
        load(connection, contract, opener, gate, run_id=RUN_ID, rehearsal=True, source_name=file.name)
    if not found:
        raise LoadError(
            contract.key, f"{file.name}: pemuatan berakhir sebelum barisnya dapat dilihat", code="GDK-M012"
        )
    return found[0]


def _as_if_new(stream: SourceStream) -> SourceStream:
    """The stream, and the stream to which it may fall back, without what tells that the file was loaded before."""
    stream.fingerprint = None
    if slower := stream.fallback:
        stream.fallback = lambda: _as_if_new(slower())
    return stream


@contextmanager
def rolled_back(connection: Connection[Any], contract: Contract) -> Generator[None]:
    """A transaction that is rolled back, whatever happens in it. Errors of the database are raised as GudangError.

    The dataset's lock is held around it, so that a wait for the lock keeps no transaction open.
    """
    try:
        with dataset_lock(connection, contract.key), connection.transaction(force_rollback=True):
            yield
    except GudangError:
        raise
    except Exception as error:
        raise describe_failure(contract.key, error) from None


def _why(batch: Batch) -> str:
    return describe_batch(batch) if batch.state == "rejected" else ""


def _of_cells(connection: Connection[Any], load: JudgedLoad) -> list[Found]:
    """The refused cells by code and severity, the most frequent first."""
    rows = connection.execute(
        sql.SQL(
            "select r.reason ->> 'kolom', r.reason ->> 'aturan', count(*) from quarantine.row as q"
            " cross join lateral jsonb_array_elements(q.reasons) as r (reason) where {} group by 1, 2"
        ).format(open_entries(load))
    ).fetchall()
    counts: dict[tuple[str, Severity], int] = {}
    for column, rule, count in rows:
        kind = (code_of(rule), severity(load.contract, column or "", rule))
        counts[kind] = counts.get(kind, 0) + count
    found = [Found(code, grade, count) for (code, grade), count in counts.items()]
    return sorted(found, key=lambda f: (-f.count, f.code))


def _of_load(connection: Connection[Any], load: JudgedLoad) -> list[Found]:
    """The checks of the table that would not pass."""
    counts: dict[tuple[str, Severity], int] = {}
    for finding in findings_of_load(connection, load):
        kind = (finding.code, finding.severity)
        counts[kind] = counts.get(kind, 0) + 1
    return [Found(code, grade, count) for (code, grade), count in counts.items()]
