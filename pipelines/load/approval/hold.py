"""Holds a load that passed the gate until a person approves it: the stage stays, and raw does not change.

What the quarantine has of the load is in force at once, because the OPD can correct those rows while the others wait.
Watermark, the source's shape and what the load would resolve change when it is approved: a load that is rejected must
be read again. Not here: what is decided (decide.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from psycopg import Connection

from pipelines.load import originals, pseudonyms, watermark
from pipelines.load.apply.passed import change_raw
from pipelines.load.approval import waiting
from pipelines.load.arrivals import contract_mark
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan


def hold(
    connection: Connection[Any], plan: LoadPlan, batch: Batch, rows: int, shape: Mapping[str, str]
) -> bool:
    """Makes the load wait, in the caller's transaction. False if it would change nothing: nothing is to be approved.

    The change is tried, counted and rolled back, so a load that raw would refuse fails now, with a LoadError, and the
    preview says what an approval really does.

    rows: how many the stage has. shape: the source's.
    """
    tried = _rehearse(connection, plan, batch, rows)
    since = waiting.supersede_covered(connection, plan, batch)
    if tried.state == "unchanged" and not waiting.before(connection, plan):
        return False
    preview = tried.changes
    batch.state, batch.preview = "waiting", preview
    batch.warnings += tried.warnings
    originals.hold_originals(connection, plan)
    (cursor_text,) = (
        connection.execute(watermark.highest_text(plan)).fetchone() if plan.contract.cursor else None
    ) or (None,)
    connection.execute(
        "insert into ops.load_approval (batch_id, waiting_since, contract_mark, file, since, allow_empty, exact, shape,"
        " cursor_text, key_fingerprints, rows_staged, rows_new, rows_changed, rows_unchanged, rows_deleted)"
        " values (%s, coalesce(%s, clock_timestamp()), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            batch.batch_id,
            since,
            contract_mark(plan.contract),
            plan.file,
            plan.since,
            plan.allow_empty,
            sorted(plan.exact),
            json.dumps(dict(shape)),
            cursor_text,
            json.dumps(pseudonyms.fingerprints(plan.contract)),
            rows,
            preview.new,
            preview.changed,
            preview.unchanged,
            preview.deleted,
        ],
    )
    return True


def _rehearse(connection: Connection[Any], plan: LoadPlan, batch: Batch, rows: int) -> Batch:
    """Applies the stage, counts, and rolls back to where it was. Raises LoadError if raw would refuse it."""
    tried = replace(batch, warnings=[])
    with connection.transaction(force_rollback=True):
        change_raw(connection, plan, tried, rows)
    return tried
