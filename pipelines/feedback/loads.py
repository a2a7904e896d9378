"""The loads of which an OPD has to be told, from the ledger.

What belongs here: which load is judged, and what the ledger knows of it. Not here: its findings (entries.py), what was
told before (ledger.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from pipelines.contracts.model import Contract
from pipelines.errors import GudangError
from pipelines.feedback.limits import MOST_TRIES, RECENT_DAYS
from pipelines.load.failures import OF_THE_ROWS


@dataclass(frozen=True, slots=True)
class JudgedLoad:
    """A load that has ended, with its contract.

    failure: code, message and hint of the source's fault, if the load failed by one. started_at, finished_at: the load
    alone has resolved the entries of its dataset that were resolved between them.
    """

    contract: Contract
    batch_id: int
    state: str
    source_name: str | None
    fingerprint: str | None
    rows_read: int
    rows_loaded: int
    rows_refused: int
    rows_confirmed: int
    error: str | None
    failure: dict[str, str] | None
    started_at: datetime
    finished_at: datetime

    @property
    def is_upload(self) -> bool:
        """Whether a file was read."""
        return self.contract.server.kind == "upload"

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of the file that was read, if it could be opened."""
        return self.fingerprint.split(":")[0] if self.fingerprint else None

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it went into raw."""
        return self.state in ("rejected", "failed")

    @property
    def was_read(self) -> bool:
        """Whether its rows were read. If it was refused nevertheless, then for what they are."""
        return self.state != "failed" or (self.failure or {}).get("code") in OF_THE_ROWS


_COLUMNS = """
select b.dataset, b.batch_id, b.state, b.source_name, b.source_fingerprint as fingerprint, b.rows_read,
    b.rows_loaded, b.rows_quarantined as rows_refused, coalesce(b.rows_confirmed, 0) as rows_confirmed,
    b.error, b.failure, b.started_at, b.finished_at
from ops.load_batch as b
"""
_DUE = (
    _COLUMNS  # noqa: S608  # constants
    + """
join (
    select distinct on (dataset, subject) batch_id
    from (
        select *, case when dataset = any(%(by_file)s) then coalesce(source_name, '') else '' end as subject
        from ops.load_batch
        where dataset = any(%(datasets)s) and finished_at > clock_timestamp() - make_interval(days => %(days)s)
            and by_retention is not true
            and (state in ('loaded', 'rejected', 'waiting') or (state = 'unchanged' and rows_read > 0)
                or (state = 'failed' and failure is not null))
    ) as ended
    order by dataset, subject, ops.applied_at(state, finished_at) desc, batch_id desc
) as newest using (batch_id)
where b.finished_at <= clock_timestamp() - make_interval(secs => %(quiet)s) and not exists (
    select from ops.feedback as f
    where f.batch_id = b.batch_id and (f.state <> 'failed' or f.tries >= %(tries)s)
        -- A person has rejected the load after its rows were told of.
        and (b.state <> 'rejected' or f.made_at >= b.finished_at)
)
order by b.finished_at, b.batch_id
"""
)


def due_loads(
    connection: Connection[Any], contracts: Sequence[Contract], *, quiet: float = 0
) -> list[JudgedLoad]:
    """The loads of which no OPD was told yet: the newest of each file, or of each dataset that is no upload.

    Where files replace each other, it is the newest file's. quiet: seconds for which a load must have ended, because
    its checks are noted after it.
    """
    by_key = {c.key: c for c in contracts}
    parameters = {
        "datasets": list(by_key),
        "by_file": [c.key for c in contracts if c.server.kind == "upload" and c.takes_every_file],
        "days": RECENT_DAYS,
        "tries": MOST_TRIES,
        "quiet": quiet,
    }
    return _read(connection, by_key, _DUE, parameters)


def load_of(connection: Connection[Any], contracts: Sequence[Contract], batch_id: int) -> JudgedLoad:
    """The load of a number. Raises GudangError if there is none that has ended."""
    by_key = {c.key: c for c in contracts}
    query = (
        _COLUMNS + "where b.batch_id = %(batch)s and b.dataset = any(%(datasets)s) and b.state <> 'running'"
    )
    found = _read(connection, by_key, query, {"batch": batch_id, "datasets": list(by_key)})
    if not found:
        hint = "`gudang status` menunjukkan pemuatan terakhir"
        raise GudangError(f"pemuatan {batch_id}", "tidak ada, atau bukan milik dataset ini", hint=hint)
    return found[0]


def newest_load(connection: Connection[Any], contract: Contract) -> JudgedLoad | None:
    """The newest load of a dataset that has brought or refused something; None if there is none."""
    query = (
        _COLUMNS
        + "where b.dataset = %(dataset)s and (b.state in ('loaded', 'rejected', 'waiting') or (b.state = 'unchanged'"
        " and b.rows_read > 0) or b.failure is not null) and b.by_retention is not true"
        " order by ops.applied_at(b.state, b.finished_at) desc, b.batch_id desc limit 1"
    )
    found = _read(connection, {contract.key: contract}, query, {"dataset": contract.key})
    return found[0] if found else None


def _read(
    connection: Connection[Any], by_key: dict[str, Contract], query: str, parameters: dict[str, Any]
) -> list[JudgedLoad]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query.encode(), parameters).fetchall()
    return [JudgedLoad(by_key[row.pop("dataset")], **row) for row in rows]
