"""Deletes old feedback from the outbox and from ops.feedback.

What stands (open, or tried again) stays, however old it is; so does the last row about a dataset.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from pipelines.errors import GudangError
from pipelines.extract.upload.zone import Zone
from pipelines.feedback.outbox import remove_folder
from pipelines.retention.tables import Pruned

_OLD = """
select feedback_id, coalesce(dataset, opd), case when state = 'resolved' then folder end
from ops.feedback as f
where state in ('resolved', 'same', 'clean') and made_at < clock_timestamp() - make_interval(days => %s)
    and (
        dataset is null
        or exists (select from ops.feedback as n where n.dataset = f.dataset and n.batch_id > f.batch_id)
    )
order by feedback_id
"""


def prune_feedback(connection: Connection[Any], zone: Zone, days: int, *, dry_run: bool) -> Pruned:
    """Deletes what is over and older than `days`, a folder before its row. dry_run: it is only counted."""
    rows = connection.execute(_OLD, [days]).fetchall()
    gone, note = 0, ""
    for feedback_id, subject, folder in rows:
        if not dry_run:
            try:
                if folder:
                    remove_folder(zone, folder, subject)
            except GudangError as error:
                note = error.message
                break
            connection.execute("delete from ops.feedback where feedback_id = %s", [feedback_id])
        gone += 1
    return Pruned("ops.feedback", "umpan balik yang sudah selesai", gone, note=note)
