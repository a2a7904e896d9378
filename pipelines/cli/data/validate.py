"""`gudang validate`: finds all faults of contracts, suites and models, with file, line and hint, without a connection.

What belongs here: collecting the faults that each reader finds, and rules that concern two packages. Not here: the
checks of one contract (contracts/), of one suite (quality/suites.py), of the models (models/project/).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipelines.contracts.files import Fault, contract_paths, read_contract
from pipelines.contracts.model import Contract
from pipelines.errors import ModelError, PublicationError, QualityError
from pipelines.load.pseudonyms import key_variable, purposes
from pipelines.models.lineage.lineage import column_lineage
from pipelines.models.project import suites as model_suites
from pipelines.models.project.nodes import Project
from pipelines.models.project.project import load_project
from pipelines.models.project.sources import render_sources
from pipelines.publication.clearance import HINT as CLEARANCE_HINT
from pipelines.publication.clearance import with_clearance
from pipelines.publication.mart import open_marts, report_marts
from pipelines.quality.run import instantiate
from pipelines.quality.suites import Expectation, derived, suite_path, written
from pipelines.runtime.demo import demo_variables
from pipelines.settings import PSEUDONYM_KEY, Settings, references
from pipelines.suggest import did_you_mean, hint_of_known

_PLACE = re.compile(r"(?P<path>[^:]+):(?P<line>\d+)$")


def validate(settings: Settings, env: Mapping[str, str] = os.environ) -> list[Fault]:
    """Finds all faults in `settings.project`, ordered by file and line. If there is none, a night can start."""
    faults: list[Fault] = []
    contracts: list[Contract] = []
    for path in contract_paths(settings.contracts_dir):
        contract, found = read_contract(path)
        faults += found
        if contract:
            contracts.append(contract)
    faults += _environment(settings, contracts, env)
    for contract in contracts:
        path = suite_path(settings.expectations_dir, contract)
        own, found = _suite(path, {c.name for c in contract.stored}, "kolom tersimpan dari kontrak")
        faults += [*found, *_repeated(contract, path, own)]
    models, project = _models(settings, contracts)
    faults += models
    tested: Project | None = None
    if project:
        found, tested = _model_suites(settings, project)
        faults += [*found, *_opd_names(contracts, project)]
    faults += _orphans(settings, project)
    if tested and not faults:
        faults += _definitions(settings, contracts, tested)
    return sorted(faults, key=lambda f: (str(f.path), f.line))


def _definitions(settings: Settings, contracts: list[Contract], project: Project) -> list[Fault]:
    """Faults that only Dagster finds; one would stop the whole UI. It runs last, as importing Dagster takes seconds."""
    import dagster as dg
    from dagster_shared.check import CheckError

    from pipelines.assets.publication import publication_assets
    from pipelines.assets.raw import raw_assets
    from pipelines.assets.warehouse import model_assets
    from pipelines.jobs import jobs
    from pipelines.resources.warehouse import Warehouse

    try:
        assets = [
            *raw_assets(contracts, settings),
            *model_assets(project),
            *publication_assets(project, settings),
        ]
        resources = {"warehouse": Warehouse(url="")}
        dg.Definitions.validate_loadable(
            dg.Definitions(assets=assets, jobs=jobs(contracts), resources=resources)
        )
    except (dg.DagsterError, CheckError) as error:
        first = str(error).strip().splitlines()[0]
        message = f'Dagster menolak definisi dari kontrak dan model: "{first}"'
        return [
            Fault(settings.contracts_dir, 1, message, "ganti nama yang disebut pesan itu", code="GDK-K029")
        ]
    return []


def sources_file(settings: Settings) -> Path:
    """The file that declares the tables of raw to the models, made from the contracts."""
    return settings.models_dir / "models" / "sources.yml"


def renew_sources(settings: Settings) -> Path | None:
    """Writes `sources_file` from the contracts and gives its path.

    It gives None and writes nothing while a contract is faulty, because the file would lose that dataset.
    """
    read = [read_contract(path)[0] for path in contract_paths(settings.contracts_dir)]
    contracts = [c for c in read if c]
    if len(contracts) < len(read):
        return None
    path = sources_file(settings)
    path.write_text(render_sources(contracts), encoding="utf-8")
    return path


def _environment(settings: Settings, contracts: Iterable[Contract], env: Mapping[str, str]) -> list[Fault]:
    """Environment variables that a contract needs and that neither the environment nor the demo sets."""
    given = demo_variables(settings, env)
    faults: list[Fault] = []
    for contract in contracts:
        lines = contract.path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            for name in references(line):
                if not env.get(name) and name not in given:
                    message = f"variabel lingkungan {name} belum diisi"
                    faults.append(
                        Fault(contract.path, number, message, f"isi {name} di .env", code="GDK-K019")
                    )
        for purpose in purposes(contract) if settings.warehouse_url else ():
            own = key_variable(purpose)
            if not (env.get(own) or env.get(PSEUDONYM_KEY)):
                number = next((i for i, line in enumerate(lines, start=1) if "pseudonymise" in line), 1)
                message = f"kolom pribadi memerlukan {own} atau {PSEUDONYM_KEY}; keduanya belum diisi"
                faults.append(
                    Fault(contract.path, number, message, f"isi {PSEUDONYM_KEY} di .env", code="GDK-K021")
                )
    return faults


def _suite(path: Path, columns: set[str], hint: str) -> tuple[tuple[Expectation, ...], list[Fault]]:
    """Reads a suite file; gives its expectations, and the faults of each.

    columns: the columns that they may name. hint: what those columns are.
    """
    try:
        own = written(path)
    except QualityError as error:
        return (), [_fault(path, error)]
    faults: list[Fault] = []
    for expectation in own:
        line = _line_of(path, f'"{expectation.name}"')
        named = [v for k, v in expectation.kwargs.items() if k in ("column", "column_A", "column_B")]
        named += expectation.kwargs.get("column_list", [])
        if unknown := sorted({str(n) for n in named} - columns):
            message = f"{expectation.name}: tidak ada kolom {', '.join(unknown)}"
            meant = did_you_mean(unknown[0], columns)
            faults.append(
                Fault(
                    path, line, message, " ".join([*filter(None, [meant]), f"pakai {hint}"]), code="GDK-K026"
                )
            )
        try:
            instantiate(path.stem, expectation)
        except QualityError as error:
            faults.append(Fault(path, line, error.message, error.hint or "", code=error.code))
    return own, faults


def _repeated(contract: Contract, path: Path, own: Iterable[Expectation]) -> list[Fault]:
    """Faults of expectations in a suite that already follow from the contract."""
    names = {e.name for e in derived(contract)}
    return [
        Fault(
            path,
            _line_of(path, f'"{expectation.name}"'),
            f"{expectation.name} sudah ditulis di kontrak",
            "satu aturan di satu tempat: hapus dari suite ini",
            code="GDK-K026",
        )
        for expectation in own
        if expectation.name in names
    ]


def _model_suites(settings: Settings, project: Project) -> tuple[list[Fault], Project | None]:
    """Reads the suites of models; gives their faults, and the project with its suites if there is none."""
    faults: list[Fault] = []
    for node in project.nodes.values():
        path = model_suites.suite_path(settings.expectations_dir, node)
        if not path.exists():
            continue
        columns = {*(c.name for c in node.columns), *column_lineage(project, node.name)}
        own, found = _suite(path, columns, f"kolom {node.relation}")
        faults += [*found, *(_fault(path, e) for e in model_suites.faults(project, node, path, own))]
    if faults:
        return faults, None
    try:  # no suite has a fault, so only a cycle of suites that read each other's models is left
        return [], model_suites.with_suites(project, settings.expectations_dir)
    except ModelError as error:
        node = project.nodes[error.subject]
        path = model_suites.suite_path(settings.expectations_dir, node)
        return [Fault(path, 1, error.message, error.hint or "", code="GDK-K026")], None


def _opd_names(contracts: Iterable[Contract], project: Project) -> list[Fault]:
    """Faults of OPDs that have the name of a schema, because both would use the same folder of expectations/."""
    schemas = {node.schema for node in project.nodes.values()}
    return [
        Fault(
            contract.path,
            1,
            f"{contract.opd} adalah nama schema gudang data",
            "pakai nama OPD lain",
            code="GDK-K004",
        )
        for contract in contracts
        if contract.opd in schemas
    ]


def _fault(path: Path, error: QualityError) -> Fault:
    """Makes an error of a suite a fault, at the line that its text names or quotes."""
    return Fault(path, _line_of(path, error.message), error.message, error.hint or "", code=error.code)


def _line_of(path: Path, text: str) -> int:
    """The line that `text` is about: "baris N" of a JSON error, else the first that holds a quoted part of `text`."""
    if match := re.search(r"(?:line|baris) (\d+)", text):
        return int(match.group(1))
    wanted = re.findall(r"\"[^\"]+\"|'[^']+'", text)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if any(w.strip("'\"") in line for w in wanted):
            return number
    return 1


def _orphans(settings: Settings, project: Project | None) -> list[Fault]:
    """Faults of suites without a contract or model. A suite whose contract is faulty is not reported here."""
    named = {
        p.parent.name + "/" + p.name.removesuffix(".odcs.yaml")
        for p in contract_paths(settings.contracts_dir)
    }
    nodes = project.nodes.values() if project else ()
    models, schemas = {f"{n.schema}/{n.name}" for n in nodes}, {n.schema for n in nodes}
    faults: list[Fault] = []
    for path in sorted(settings.expectations_dir.glob("*/*.json")):
        owner = f"{path.parent.name}/{path.stem}"
        if owner in named | models:
            continue
        if path.parent.name in schemas:
            message, known, form = "suite ini tidak punya model", models, "<schema>/<model>.json"
        elif project:
            message, known, form = "suite ini tidak punya kontrak", named, "<opd>/<dataset>.json"
        else:
            continue
        parts = [did_you_mean(owner, known), f"beri nama {form}, atau hapus berkasnya"]
        faults.append(Fault(path, 1, message, " ".join(filter(None, parts)), code="GDK-K026"))
    return faults


def _models(settings: Settings, contracts: list[Contract]) -> tuple[list[Fault], Project | None]:
    """Reads the models; gives their faults, and the project if it can be read."""
    try:
        project = load_project(settings.models_dir)
    except ModelError as error:
        place = _PLACE.search(error.subject)
        path = settings.models_dir / (place["path"] if place else error.subject)
        return [
            Fault(path, int(place["line"]) if place else 1, error.message, error.hint or "", code="GDK-K027")
        ], None
    found = _sources(settings, contracts) + _references(contracts, project)
    return found + _publication(settings, contracts, project), project


def _publication(settings: Settings, contracts: list[Contract], project: Project) -> list[Fault]:
    """Faults of open marts that may not be published. If a contract is faulty, the marts are not checked."""
    try:
        marts = {mart.name: mart for mart in (*report_marts(project), *open_marts(project))}
    except PublicationError as error:
        path = settings.models_dir / "models" / "exposures.yml"
        return [Fault(path, 1, f"{error.subject} {error.message}", error.hint or "", code=error.code)]
    if len(contracts) < len(contract_paths(settings.contracts_dir)):
        return []
    return [
        Fault(project.nodes[mart.name].path, 1, refusal, CLEARANCE_HINT, code="GDK-K028")
        for mart in with_clearance(project, contracts, marts.values())
        for refusal in (mart.clearance.refusals if mart.clearance else ())
    ]


def _sources(settings: Settings, contracts: list[Contract]) -> list[Fault]:
    """A fault if `sources_file` is not what `render_sources` makes from the contracts."""
    path = sources_file(settings)
    if len(contracts) < len(contract_paths(settings.contracts_dir)):
        return []  # with a faulty contract we do not know what the file should hold
    if not path.exists() or path.read_text(encoding="utf-8") != render_sources(contracts):
        return [
            Fault(
                path,
                1,
                "sources.yml tidak sesuai kontrak",
                "jalankan `gudang validate --fix`",
                code="GDK-K027",
            )
        ]
    return []


def _references(contracts: Iterable[Contract], project: Project) -> list[Fault]:
    """Faults of references in contracts to a table or column that no seed or model has."""
    faults: list[Fault] = []
    for contract in contracts:
        for column in contract.stored:
            reference = column.reference
            if reference is None:
                continue
            node = project.nodes.get(reference.table)
            known = {c.name for c in node.columns} if node else set[str]()
            needed = {reference.column, *(name for name, _ in reference.where)}
            line = _line_of(contract.path, f"'{reference.table}.{reference.column}'")
            if node is None:
                message = f"{column.name}: tidak ada tabel rujukan {reference.table}"
                parts = [
                    did_you_mean(reference.table, project.nodes),
                    "pakai seed atau model dari dbt_like_sql/",
                ]
                faults.append(
                    Fault(contract.path, line, message, " ".join(filter(None, parts)), code="GDK-K012")
                )
            elif unknown := sorted(needed - known):
                message = f"{column.name}: {reference.table} tidak mempunyai kolom {', '.join(unknown)}"
                faults.append(
                    Fault(
                        contract.path,
                        line,
                        message,
                        hint_of_known(unknown[0], sorted(known)),
                        code="GDK-K012",
                    )
                )
    return faults
