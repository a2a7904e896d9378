"""Which datasets can be loaded, which are set aside because of a fault in contract or suite, and what decides that.

One faulty file must not stop the other OPD, so every run takes its datasets from here. `gudang validate` names every
fault. Not here: reading a contract (contracts/files.py) or a suite (quality/suites.py).
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.contracts.files import Fault, contract_paths, read_contract
from pipelines.contracts.model import Contract
from pipelines.errors import QualityError, SourceError
from pipelines.extract.upload.inbox import LeftFile, folder_reasons, list_uploads, unknown_files
from pipelines.extract.upload.zone import upload_zone
from pipelines.quality.suites import suite, suite_path
from pipelines.settings import Settings

_READ = frozenset({".yaml", ".yml", ".json", ".sql", ".csv"})


@dataclass(frozen=True, slots=True)
class SetAside:
    """A dataset that is not loaded until its faults are fixed; its rows in raw stay."""

    opd: str
    dataset: str
    path: Path
    faults: tuple[Fault, ...]

    @property
    def key(self) -> str:
        """The dataset's name in every room: "dinkes/kunjungan"."""
        return f"{self.opd}/{self.dataset}"

    def describe(self) -> list[str]:
        """Its faults, one per line, with the path below the project."""
        return [str(replace(fault, path=Path(*fault.path.parts[-3:]))) for fault in self.faults]


@dataclass(frozen=True, slots=True)
class Datasets:
    """All datasets of a project, by key."""

    contracts: tuple[Contract, ...] = ()
    set_aside: tuple[SetAside, ...] = ()


def read_datasets(settings: Settings) -> Datasets:
    """Every contract: those whose file and suite have no fault, and the others with their faults."""
    good: list[Contract] = []
    bad: list[SetAside] = []
    for path in contract_paths(settings.contracts_dir):
        contract, faults = read_contract(path)
        if contract:
            faults = _suite_faults(contract, settings)
        if contract and not faults:
            good.append(contract)
        else:
            dataset = path.name.removesuffix(".odcs.yaml")
            bad.append(SetAside(path.parent.name, dataset, path, tuple(faults)))
    return Datasets(tuple(good), tuple(bad))


def digests(settings: Settings) -> dict[str, str]:
    """The files that datasets and models are read from, by their path in the project, with the SHA-256 of each."""
    found: dict[str, str] = {}
    for folder in (settings.contracts_dir, settings.expectations_dir, settings.models_dir):
        # A file or folder that is gone a moment later is as one that was never there; os.walk leaves it out, too.
        for base, _, names in os.walk(folder):
            for file in (Path(base, name) for name in names):
                with suppress(FileNotFoundError):
                    if file.suffix in _READ and file.is_file():
                        found[name_of(file, settings)] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def name_of(file: Path, settings: Settings) -> str:
    """A file's path in the project; the whole path of a file elsewhere."""
    return str(file.relative_to(settings.project)) if file.is_relative_to(settings.project) else str(file)


def files_left(settings: Settings, datasets: Datasets) -> list[LeftFile]:
    """Every file in the upload zone that no contract reads, with the reason. Raises SourceError.

    A dataset's folder that can't be listed, such as a link that leads out of the zone, is one of them.
    """
    zone = upload_zone(settings)
    unknown = files_unknown(settings, datasets)
    left: list[LeftFile] = []
    for contract in datasets.contracts:
        if contract.server.kind != "upload":
            continue
        try:
            left += list_uploads(zone, contract).left
        except SourceError as error:
            if error.transient:
                raise
            if all(file.place != contract.key for file in unknown):
                left.append(LeftFile(f"{contract.key}/", error.message))
    return [*left, *unknown]


def files_unknown(settings: Settings, datasets: Datasets) -> list[LeftFile]:
    """The files in the upload zone that lie in no dataset's folder, with the reason. Raises SourceError."""
    reasons = folder_reasons(datasets.contracts) | {
        s.key: f"kontrak {s.key} salah dan disisihkan; perbaiki dahulu (`gudang validate`)"
        for s in datasets.set_aside
    }
    known = [c.key for c in datasets.contracts if c.server.kind == "upload"]
    return unknown_files(upload_zone(settings), reasons, known)


def _suite_faults(contract: Contract, settings: Settings) -> list[Fault]:
    try:
        suite(contract, settings.expectations_dir)
    except QualityError as error:
        path = suite_path(settings.expectations_dir, contract)
        return [Fault(path, 1, error.message, error.hint or "", code=error.code)]
    return []
