"""Declares `gudang check`: asks every rule of one dataset or model now, on the rows in force.

What belongs here: arguments, and how results are printed. Not here: running the rules (quality/raw_checks.py,
models/build/runner.py). Nothing is written: results in ops.check_result are those of loads and builds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.errors import GudangError
from pipelines.numbers import number
from pipelines.suggest import did_you_mean

if TYPE_CHECKING:
    from pipelines.datasets import Datasets
    from pipelines.quality.results import CheckResult, Sample
    from pipelines.runtime.terminal import Terminal
    from pipelines.settings import Settings

_PASSED, _WARNED, _FAILED = ("lulus", "green"), ("peringatan", "yellow"), ("GAGAL", "red")


def check(
    name: Annotated[
        str,
        typer.Argument(
            metavar="OPD/DATASET|MODEL",
            help="Yang diperiksa: dinkes/kunjungan, atau mart_satu_data.penduduk_umur.",
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Satu daftar JSON, untuk program.")] = False,
) -> None:
    """Periksa semua aturan sebuah dataset di raw, atau sebuah model yang dirilis, sekarang juga.

    Tiap aturan dicetak dengan apa yang terlihat; yang dilanggar juga dengan contoh barisnya (nilai tertutup disamarkan)
    dan SQL yang menemukan semuanya. Tidak ada yang dimuat, dibangun, atau dicatat. Kode keluar 1 bila aturan bertingkat
    galat dilanggar.
    """
    from pipelines.datasets import read_datasets
    from pipelines.runtime.environment import current_settings

    settings = current_settings()
    datasets = read_datasets(settings)
    results = _of_dataset(settings, datasets, name) if "/" in name else _of_model(settings, datasets, name)
    if as_json:
        print(json.dumps([_as_json(result) for result in results], indent=2, ensure_ascii=False))
    else:
        print_results(results)
    if any(result.blocks for result in results):
        raise typer.Exit(1)


def _of_dataset(settings: Settings, datasets: Datasets, name: str) -> Sequence[CheckResult]:
    from pipelines.quality.raw_checks import check_raw
    from pipelines.quality.suites import suite
    from pipelines.runtime.environment import warehouse_url
    from pipelines.warehouse.connection import connect

    contracts = {contract.key: contract for contract in datasets.contracts}
    for faulty in datasets.set_aside:
        if faulty.key == name:
            raise GudangError(name, "; ".join(faulty.describe()), hint="`gudang validate`")
    if name not in contracts:
        hint = did_you_mean(name, contracts) or "`gudang status` menyebut semuanya"
        raise GudangError(name, "tidak ada kontrak untuk dataset ini", hint=hint)
    contract = contracts[name]
    with connect(warehouse_url()) as connection:
        if connection.execute("select to_regclass(%s)", [f"raw.{contract.table}"]).fetchone() == (None,):
            raise GudangError(name, "belum pernah dimuat", hint="`gudang nightly`, atau `gudang reload`")
        return check_raw(connection, contract, suite(contract, settings.expectations_dir))


def _of_model(settings: Settings, datasets: Datasets, name: str) -> Sequence[CheckResult]:
    from pipelines.models.build.runner import run_tests
    from pipelines.models.lineage.open_columns import open_columns
    from pipelines.models.project.project import load_project
    from pipelines.redaction.database_urls import libpq_url
    from pipelines.runtime.environment import warehouse_url

    project = load_project(settings.models_dir, suites=settings.expectations_dir)
    names = {key: node.name for node in project.nodes.values() for key in (node.name, node.relation)}
    if name not in names:
        known = [*names, *(contract.key for contract in datasets.contracts)]
        hint = did_you_mean(name, known) or "`gudang models list` menyebut semuanya"
        raise GudangError(name, "dataset atau model ini tidak dikenal", hint=hint)
    (result,) = run_tests(
        project,
        libpq_url(warehouse_url()),
        select=[names[name]],
        open_columns=open_columns(project, datasets.contracts),
    )
    if result.error and not result.tests:
        raise GudangError(name, result.error, hint=f"gudang models run -s +{names[name]}")
    return result.tests


def print_results(results: Sequence[CheckResult], console: Terminal | None = None) -> None:
    """Prints the results for people: a line for each rule, and the evidence below a rule that is broken."""
    from rich.text import Text

    from pipelines.runtime.terminal import Terminal, styled

    console = console or Terminal()
    width = max((len(result.name) for result in results), default=0)
    for result in results:
        word, colour = _state(result)
        console.print(
            Text.assemble(styled(f"{word:<11}", colour), styled(f"{result.name:<{width}}  ", "bold")),
            styled(_what_was_seen(result), ""),
            soft_wrap=True,
        )
        if result.passed:
            continue
        console.print(styled(f"  kode {result.code}", "dim"))
        if result.sample:
            _print_sample(console, result.sample)
        if result.query:
            query = "\n".join(f"  {line}" for line in result.query.splitlines())
            console.print(styled(query, "dim"), soft_wrap=True)
    counts = [(word, sum(_state(r)[0] == word for r in results)) for word, _ in (_PASSED, _WARNED, _FAILED)]
    console.print(
        ", ".join(f"{number(count)} {word}" for word, count in counts if count) or "tidak ada aturan"
    )


def _state(result: CheckResult) -> tuple[str, str]:
    if result.passed:
        return _PASSED
    return _FAILED if result.blocks else _WARNED


def _what_was_seen(result: CheckResult) -> str:
    return result.description or result.observed or "tidak ada yang menyimpang"


def _print_sample(console: Terminal, sample: Sample) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("  contoh:")
    for column in sample.columns:
        table.add_column(column, overflow="fold")
    for row in sample.rows:
        table.add_row("", *("(kosong)" if cell is None else cell for cell in row))
    console.print(table)


def _as_json(result: CheckResult) -> dict[str, Any]:
    return {
        "check": result.name,
        "severity": result.severity,
        "passed": result.passed,
        "code": result.code,
        "expectation": result.expectation,
        "message": result.description,
        "observed": result.observed,
        "unexpected": result.unexpected,
        "total": result.total,
        "query": result.query,
    }
