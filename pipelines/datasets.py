"""Which datasets can be loaded, and which are set aside because their contract or suite has a fault.

What belongs here: one faulty file must not stop the other OPD. So whatever runs asks this module; `gudang validate` and
the tests name every fault. Not here: reading a contract (contracts/files.py) or a suite (quality/suites.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.contracts.files import Fault, contract_paths, read_contract
from pipelines.contracts.model import Contract
from pipelines.errors import QualityError
from pipelines.extract.upload.inbox import LeftFile, folder_reasons, list_uploads, unknown_files
from pipelines.extract.upload.zone import upload_zone
from pipelines.quality.suites import suite, suite_path
from pipelines.settings import Settings


@dataclass(frozen=True, slots=True)
class SetAside:
    """A dataset that is not loaded until its faults are fixed; what was published of it before stays."""

    opd: str
    dataset: str
    path: Path
    faults: tuple[Fault, ...]

    @property
    def key(self) -> str:
        return f"{self.opd}/{self.dataset}"

    def describe(self) -> list[str]:
        """Its faults, a line each, with the place below the project."""
        return [f"{Path(*f.path.parts[-3:])}:{f.line}: {_words(f)}" for f in self.faults]


@dataclass(frozen=True, slots=True)
class Datasets:
    """All datasets of a project, by key."""

    contracts: tuple[Contract, ...] = ()
    set_aside: tuple[SetAside, ...] = ()


def read_datasets(settings: Settings) -> Datasets:
    """The contracts that can be loaded with their suites, and the others with what is wrong with them."""
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


def files_left(settings: Settings, datasets: Datasets) -> list[LeftFile]:
    """Every file in the upload zone that no contract takes, with the reason. Raises SourceError."""
    zone = upload_zone(settings)
    uploads = [c for c in datasets.contracts if c.server.kind == "upload"]
    left = [file for c in uploads for file in list_uploads(zone, c).left]
    return [*left, *files_unknown(settings, datasets)]


def files_unknown(settings: Settings, datasets: Datasets) -> list[LeftFile]:
    """Those of them that lie in no dataset's folder. Raises SourceError."""
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
        return [Fault(path, 1, error.message, error.hint or "")]
    return []


def _words(fault: Fault) -> str:
    return fault.message + (f" ({fault.hint})" if fault.hint else "")
