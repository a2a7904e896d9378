"""Cases of a start: what 325 contracts cost, against reading their YAML alone.

What belongs here: making the contracts, and the cases. They are copies of the province's own contracts, for OPDs with
names of their own.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import yaml

from benchmarks.target import Figures, figures
from pipelines.contracts.files import contract_keys, contract_paths, read_contract
from pipelines.settings import Settings

CONTRACTS = 325


def project_of_many(settings: Settings) -> Settings:
    """The settings of a project with so many contracts; the folder is made at the first call."""
    root = Path(os.environ["BENCH_FOLDER"]) / "start"
    if not root.exists():
        for folder in ("contracts", "expectations", "dbt_like_sql", "deploy"):
            shutil.copytree(settings.project / folder, root / folder)
        shutil.copy(settings.project / "workspace.yaml", root)
        _multiply(root / "contracts", CONTRACTS)
    return replace(settings, project=root, home=root / "home", warehouse_url=None)


def _multiply(folder: Path, number: int) -> None:
    """Copies the contracts in `folder` until there are `number`."""
    own = [
        (path, *key.split("/"))
        for path, key in zip(contract_paths(folder), contract_keys(folder), strict=True)
    ]
    for n in range(number - len(own)):
        path, opd, dataset = own[n % len(own)]
        other = f"{opd}{n // len(own) + 1}"
        text = path.read_text("utf-8").replace(f"{opd}/{dataset}", f"{other}/{dataset}")
        (folder / other).mkdir(exist_ok=True)
        (folder / other / path.name).write_text(text, "utf-8")


def limit_start(settings: Settings, _: int) -> Figures:
    """The YAML of all contracts, read by libyaml into plain values."""
    paths = contract_paths(project_of_many(settings).contracts_dir)
    start = time.perf_counter()
    for path in paths:
        yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return figures(start)


def gudang_start(settings: Settings, _: int) -> Figures:
    """All contracts, read and validated."""
    paths = contract_paths(project_of_many(settings).contracts_dir)
    start = time.perf_counter()
    read = [read_contract(path)[0] for path in paths]
    measured = figures(start)
    assert len([contract for contract in read if contract]) == CONTRACTS
    return measured


def gudang_start_definitions(settings: Settings, _: int) -> Figures:
    """The code location that Dagster loads: contracts, suites, models, and their assets, without the imports."""
    from pipelines.definitions import build_definitions

    of_many = project_of_many(settings)
    start = time.perf_counter()
    definitions = build_definitions(of_many)
    definitions.get_repository_def()
    return figures(start)
