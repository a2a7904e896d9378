"""Writes onto runs, backfills and reported events who started them.

What belongs here: reading the name that the reverse proxy gives with a request, and Dagster's tags for it. Not here:
who may log in, and as what (deploy/nginx/), the command that serves the pages (webserver.py).

The webserver has no log-in of its own. The proxy asks for the password and overwrites the header with the name of who
logged in. So a webserver must be reached through the proxy alone (docs/adr/038).
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

# The names of the tags are not exported.
from dagster._core.storage.tags import REPORTING_USER_TAG, USER_TAG

USER_HEADER = "X-Forwarded-User"
"""The header in which the proxy gives the name. deploy/nginx/gudang.conf sets it."""


class NamingRunCoordinator(dg.QueuedRunCoordinator):
    """Dagster's queue of runs, which also writes who asked for a run into its tag `user`.

    Dagster's UI shows this tag as "Launched by" and filters the runs by it. A run that no person asked for (a schedule,
    a sensor, a command on the server) gets none.
    """

    def submit_run(self, context: dg.SubmitRunContext) -> dg.DagsterRun:
        """Tags the run, then queues it. A tag of the same name in the request is overwritten."""
        user = context.get_request_header(USER_HEADER)
        if user:
            self._instance.add_run_tags(context.dagster_run.run_id, {USER_TAG: user})
        return super().submit_run(context)


def backfill_tags(source: object) -> dict[str, str]:
    """The tags of a backfill that the request `source` asks for; {} where no proxy named a user."""
    user = _user_of(source)
    return {USER_TAG: user} if user else {}


def event_tags(source: object) -> dict[str, str]:
    """The tags of an event that the request `source` reports by hand; {} where no proxy named a user."""
    user = _user_of(source)
    return {REPORTING_USER_TAG: user} if user else {}


def _user_of(source: object) -> str | None:
    headers: object = getattr(source, "headers", None)
    return headers.get(USER_HEADER) if isinstance(headers, Mapping) else None
