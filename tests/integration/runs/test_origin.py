"""Runs of `gudang nightly` are on the pages of the UI, by Dagster's GraphQL over a real code location."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_graphql.test.utils import execute_dagster_graphql

from pipelines.runs.origin import filed_below_location

CODE = """
import dagster as dg

@dg.op
def langkah() -> None: ...

@dg.job
def ingest() -> None:
    langkah()

defs = dg.Definitions(jobs=[ingest])
"""
WORKSPACE = "load_from:\n  - python_file: {relative_path: code.py, location_name: gudang-data-kaltim}\n"
JOB_PAGE = """
query($job: PipelineSelector!) { pipelineOrError(params: $job) { ... on Pipeline { runs { runId } } } }
"""
TIMELINE = """
query { runsOrError { ... on Runs { results { runId repositoryOrigin { repositoryName repositoryLocationName } } } } }
"""


def test_a_run_in_this_process_is_on_its_jobs_page_and_in_the_timeline(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text(WORKSPACE)

    @dg.op
    def langkah() -> None: ...

    @dg.job
    def ingest() -> None:
        langkah()

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        with filed_below_location(instance, workspace, "ingest"):
            filed = ingest.execute_in_process(instance=instance).run_id
        other = ingest.execute_in_process(instance=instance).run_id
        with WorkspaceProcessContext(instance, WorkspaceFileTarget([str(workspace)])) as process:
            context = process.create_request_context()
            selector = {
                "repositoryLocationName": "gudang-data-kaltim",
                "repositoryName": "__repository__",
                "pipelineName": "ingest",
            }
            page: Any = execute_dagster_graphql(context, JOB_PAGE, {"job": selector}).data
            timeline: Any = execute_dagster_graphql(context, TIMELINE).data
    assert [run["runId"] for run in page["pipelineOrError"]["runs"]] == [filed]
    origins = {run["runId"]: run["repositoryOrigin"] for run in timeline["runsOrError"]["results"]}
    assert origins[other] is None, "without it the UI does not know where the run belongs"
    assert origins[filed] == {
        "repositoryName": "__repository__",
        "repositoryLocationName": "gudang-data-kaltim",
    }
