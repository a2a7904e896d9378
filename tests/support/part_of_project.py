"""A project with some of the province's datasets and the models that can be built of them alone."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from pipelines.models.project.nodes import Project
from pipelines.models.project.sources import render_sources
from pipelines.settings import PROJECT_ROOT
from tests.support.repository import own_contracts, own_project

FOLDERS = ("contracts", "expectations", "dbt_like_sql", "deploy")


def copy_project(root: Path) -> None:
    """Copies contracts, suites, models, and Dagster's settings to the folder `root`."""
    for folder in FOLDERS:
        shutil.copytree(PROJECT_ROOT / folder, root / folder, ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copy(PROJECT_ROOT / "workspace.yaml", root)


def copy_part(root: Path, datasets: Collection[str]) -> None:
    """Copies the contracts of `datasets` (`opd/dataset`), and all models that need no other, to the folder `root`."""
    copy_project(root)
    project = own_project(suites=True)
    models = _models_of(project, datasets)
    for contract in own_contracts():
        if contract.key not in datasets:
            (root / contract.path.relative_to(PROJECT_ROOT)).unlink()
    for node in project.nodes.values():
        if node.name not in models:
            (root / node.path.relative_to(PROJECT_ROOT)).unlink()
    suites = {*datasets, *(f"{project.nodes[name].schema}/{name}" for name in models)}
    for path in (root / "expectations").glob("*/*.json"):
        if f"{path.parent.name}/{path.stem}" not in suites:
            path.unlink()
    tests = {test.name for name in models for test in project.nodes[name].tests}
    for path in (root / "dbt_like_sql/tests").glob("*.sql"):
        if path.stem not in tests:
            path.unlink()
    for path in (root / "dbt_like_sql").rglob("*.yml"):
        if path.name != "dbt_project.yml":
            _keep(path, models | tests)
    kept = [contract for contract in own_contracts() if contract.key in datasets]
    (root / "dbt_like_sql/models/sources.yml").write_text(render_sources(kept), "utf-8")


def _models_of(project: Project, datasets: Collection[str]) -> set[str]:
    """The models and seeds whose rows, tests and suites need no dataset but these."""
    kept = set(project.nodes)
    while lost := {
        name
        for name in kept
        for node in [project.nodes[name]]
        if not {f"{opd}/{dataset}" for opd, dataset in node.sources} <= {*datasets}
        or not {*node.depends_on, *node.build_after} <= kept
    }:
        kept -= lost
    return kept


def _keep(path: Path, names: Collection[str]) -> None:
    """Leaves in a file of properties only what it says of these models and tests."""
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    for section in ("models", "seeds", "data_tests"):
        if section in document:
            document[section] = [entry for entry in document[section] if entry["name"] in names]
    for exposure in document.get("exposures", []):
        read = [ref for ref in exposure["depends_on"] if ref.split("'")[1] in names]
        exposure["depends_on"] = read
    if "exposures" in document:
        document["exposures"] = [exposure for exposure in document["exposures"] if exposure["depends_on"]]
    path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
