"""Applies a load that passed the gate, with all that changes beside raw: at the load's end, or when it is approved.

It runs in the caller's transaction. Not here: applying the stage to raw (steps.py), closing the batch (load/ledger.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from psycopg import Connection

from pipelines.load import drift, originals, pseudonyms, raw_summary
from pipelines.load.apply import periods
from pipelines.load.apply.steps import apply_stage
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan
from pipelines.load.stage import quarantine, revalidate


def apply_passed(
    connection: Connection[Any],
    plan: LoadPlan,
    batch: Batch,
    rows: int,
    shape: Mapping[str, str],
    *,
    refused: bool,
) -> None:
    """Applies the stage, resolves what it fixed, and records its shape, originals and the summary of raw.

    rows: how many the stage has. shape: the source's. refused: whether this session has noted refused rows. Raises
    LoadError if the change is not allowed.
    """
    drift.keep_shape(connection, plan.contract, batch.batch_id, shape)
    connection.execute(quarantine.resolve(plan, batch.source_name, refused=refused))
    revalidate.keep_from_rereading(connection, plan, batch.source_name)
    plan = change_raw(connection, plan, batch, rows)
    originals.keep_originals(connection, plan)
    for column, count in originals.delete_without_basis(connection, plan.contract).items():
        batch.warnings.append(
            f"{count} nilai asli kolom {column} dihapus dari schema pribadi: kontrak tidak lagi menyebut"
            " dasar hukumnya (retain_original)"
        )
    pseudonyms.keep_fingerprints(connection, plan)
    raw_summary.keep(connection, plan, batch)


def change_raw(connection: Connection[Any], plan: LoadPlan, batch: Batch, rows: int) -> LoadPlan:
    """Changes only raw, the watermark and the ledger's periods, and counts it in `batch`. Gives the plan with periods.

    Raises LoadError if the change is not allowed.
    """
    if plan.contract.replaces_periods:
        plan = periods.find(connection, plan, batch)
        periods.record(connection, plan, batch)
        plan = replace(plan, newer=periods.newer(connection, plan))
    apply_stage(connection, plan, batch, rows)
    return plan
