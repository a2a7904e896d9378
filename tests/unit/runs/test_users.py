"""The tag of a run, a backfill or an event names the user whom the proxy names, whatever the request itself claims."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import yaml
from starlette.datastructures import Headers

from pipelines.runs.users import USER_HEADER, NamingRunCoordinator, backfill_tags, event_tags
from pipelines.settings import PROJECT_ROOT

BY_RINA = SimpleNamespace(headers=Headers({USER_HEADER.lower(): "rina"}))
"""A request that the proxy handed on. The names of its headers are in lower case, as uvicorn gives them."""


def test_tags_of_backfills_and_events_name_the_user_of_the_request() -> None:
    assert backfill_tags(BY_RINA) == {"user": "rina"}
    assert event_tags(BY_RINA) == {"dagster/reporting_user": "rina"}


def test_tags_are_empty_without_a_user_of_the_proxy() -> None:
    for source in (None, SimpleNamespace(headers=Headers({}))):
        assert backfill_tags(source) == {} and event_tags(source) == {}


def test_instance_of_deploy_names_users_and_keeps_the_limits_of_its_queue(tmp_path: Path) -> None:
    config = yaml.safe_load((PROJECT_ROOT / "deploy/dagster.yaml").read_text("utf-8"))
    del config["storage"]  # needs a server
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(config), "utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        coordinator, queue = instance.run_coordinator, instance.get_concurrency_config().run_queue_config
        assert isinstance(coordinator, NamingRunCoordinator) and queue is not None
        assert queue.max_concurrent_runs == 4
        # A code server takes up to some minutes to start again.
        assert queue.max_user_code_failure_retries * queue.user_code_failure_retry_delay >= 300
        assert (coordinator.dequeue_use_threads, coordinator.dequeue_num_workers) == (True, 4)
