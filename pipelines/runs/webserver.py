"""Serves Dagster's web pages behind a reverse proxy: `python -m pipelines.runs.webserver`, as dagster-webserver does.

What belongs here: naming who asked for a backfill. Not here: naming who asked for a run (users.py), the proxy
(deploy/nginx/).

The daemon makes the runs of a backfill, and there is no request then whose header could be read. So the backfill must
have the name, and its runs take it from there. Dagster asks its request context for the tags of a new backfill, and the
open product answers that there are none.
"""

from __future__ import annotations

from dagster._core.workspace.context import WorkspaceRequestContext
from dagster_webserver.cli import main as dagster_webserver

from pipelines.runs.users import backfill_tags, event_tags


def _viewer_tags(self: WorkspaceRequestContext) -> dict[str, str]:
    return backfill_tags(self.source)


def _reporting_user_tags(self: WorkspaceRequestContext) -> dict[str, str]:
    return event_tags(self.source)


def main() -> None:
    """Runs dagster-webserver with the options of the command line until it is stopped."""
    WorkspaceRequestContext.get_viewer_tags = _viewer_tags
    WorkspaceRequestContext.get_reporting_user_tags = _reporting_user_tags
    dagster_webserver()


if __name__ == "__main__":
    main()
