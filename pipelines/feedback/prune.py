"""Deletes old feedback from the outbox and from ops.feedback.

What stands (open, or tried again) stays, however old it is; so does the last row about a dataset.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from pipelines.errors import GudangError, SourceError
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
    """Deletes what is over and older than `days`, a folder before its row. dry_run: it is only counted.

    A folder that can't be deleted is said in the result's note, and tried again the next time. A zone that does not
    answer is not asked again.
    """
    rows = connection.execute(_OLD, [days]).fetchall()
    gone, failed, note = 0, 0, ""
    for feedback_id, subject, folder in rows:
        if not dry_run:
            try:
                if folder:
                    remove_folder(zone, folder, subject)
            except GudangError as error:
                failed += 1
                note = note or error.message
                if isinstance(error, SourceError) and error.transient:
                    break
                continue
            connection.execute("delete from ops.feedback where feedback_id = %s", [feedback_id])
        gone += 1
    if failed > 1:
        note = f"{failed} folder tidak dapat dihapus; yang pertama: {note}"
    return Pruned("ops.feedback", "umpan balik yang sudah selesai", gone, note=note, failed=bool(failed))
