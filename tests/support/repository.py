"""The contracts and models of this repository, read once per session. No test changes them."""

from __future__ import annotations

from functools import cache

from pipelines.contracts.model import Contract
from pipelines.models.project.nodes import Project
from pipelines.models.project.project import load_project
from pipelines.settings import PROJECT_ROOT
from tests.support.contracts import load_contracts

MODELS = PROJECT_ROOT / "dbt_like_sql"


@cache
def own_contracts() -> tuple[Contract, ...]:
    """All contracts, by key."""
    return load_contracts(PROJECT_ROOT / "contracts")


@cache
def own_project(*, suites: bool = False) -> Project:
    """The models, with or without their suites."""
    return load_project(MODELS, suites=PROJECT_ROOT / "expectations" if suites else None)


@cache
def reference_models() -> tuple[str, ...]:
    """Names of the seeds, and of the models that are made only of seeds."""
    nodes = own_project().nodes
    return tuple(
        name
        for name, node in nodes.items()
        if not (node.sources or any(nodes[above].sources for above in own_project().ancestors(name)))
    )
