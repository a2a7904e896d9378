"""`gudang models`: list, show, run, test and document the SQL models without Dagster.

What belongs here: arguments and what is printed. Not here: the work (models/, publication/dictionary/).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.app import CommandGroup
from pipelines.errors import GudangError, LoadError, ModelError
from pipelines.numbers import number
from pipelines.redaction.secrets import shown
from pipelines.runtime.state_words import MODELS as STATES
from pipelines.suggest import did_you_mean

if TYPE_CHECKING:
    from psycopg import Connection

    from pipelines.contracts.windows import Window
    from pipelines.models.build.results import NodeResult
    from pipelines.models.project.nodes import Node, Project
    from pipelines.runtime.terminal import Terminal

app = CommandGroup(
    name="models",
    short_help="Daftar, tampilkan, bangun, uji, dan dokumentasikan model SQL.",
    help="Model SQL di dbt_like_sql/. SELECT ditulis seperti dalam dbt: sebuah nama, stg_*, tag:mart,"
    " path:models/core, source:dinkes.kunjungan+, +indeks_spbe, exposure:laporan, config.materialized:view;"
    " a,b berarti yang disebut keduanya.",
)
Select = Annotated[
    list[str] | None,
    typer.Option("--select", "-s", metavar="SELECT", help="Hanya yang ini; boleh disebut beberapa kali."),
]
Exclude = Annotated[
    list[str] | None, typer.Option("--exclude", metavar="SELECT", help="Semua kecuali yang ini.")
]
Threads = Annotated[int, typer.Option(help="Berapa sekaligus.", min=1, max=64)]


@app.command("list")
def list_(
    select: Select = None,
    exclude: Exclude = None,
    as_json: Annotated[bool, typer.Option("--json", help="Satu daftar JSON, untuk program.")] = False,
) -> None:
    """Daftar model dan seed menurut urutan membangunnya."""
    from pipelines.models.project import selection

    nodes = selection.select(_project(), select, exclude or ())
    if as_json:
        print(json.dumps([_facts(node) for node in nodes], indent=2))
        return
    from rich.table import Table

    table = Table("nama", "jenis", "relasi", "uji", "uraian", box=None, pad_edge=False)
    for node in nodes:
        table.add_row(
            node.name, node.kind, node.relation, str(len(node.checks)), node.description.split(". ")[0]
        )
    _console().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAMA", help="Nama model atau seed.")],
    rows: Annotated[int, typer.Option(help="Cetak juga sekian barisnya.", min=0, max=1000)] = 0,
) -> None:
    """Tampilkan satu model: apa isinya, apa yang dibacanya, siapa pembacanya, asal tiap kolom, SQL yang dijalankan."""
    from rich.syntax import Syntax
    from rich.table import Table

    from pipelines.models.lineage.lineage import column_lineage
    from pipelines.runtime.terminal import styled

    project = _project()
    node = _one(project, name)
    console = _console()
    console.print(styled(node.relation, "bold"), f"({node.kind}, {_file(project, node)})")
    if node.description:
        console.print(node.description)
    reads = [*node.depends_on, *(f"raw {opd}/{table}" for opd, table in node.sources)]
    console.print(f"membaca: {', '.join(reads) or '-'}")
    readers = [n.name for n in project.nodes.values() if name in n.depends_on]
    readers += [f"exposure {e.name}" for e in project.exposures.values() if name in e.depends_on]
    console.print(f"dibaca oleh: {', '.join(readers) or '-'}")
    lineage = column_lineage(project, name)
    columns = Table("kolom", "uraian", "dari", box=None, pad_edge=False)
    described = {c.name: c.description for c in node.columns}
    for column in dict.fromkeys([*described, *lineage]):
        origin = ", ".join(f"{relation}.{of}" for relation, of in lineage.get(column, ()))
        columns.add_row(column, described.get(column, ""), origin)
    console.print(columns)
    if node.sql:
        console.print(Syntax(node.sql, "sql", background_color="default", word_wrap=True))
    if node.incremental and node.incremental.sql != node.sql:
        console.rule("bila tabelnya sudah ada", align="left")
        console.print(Syntax(node.incremental.sql, "sql", background_color="default", word_wrap=True))
    if rows:
        _print_rows(console, node, rows)


@app.command()
def run(
    select: Select = None,
    exclude: Exclude = None,
    full_refresh: Annotated[
        bool,
        typer.Option(
            "--full-refresh",
            help="Muat ulang penuh: bangun semua, model incremental dari semua yang dibacanya.",
        ),
    ] = False,
    build_all: Annotated[
        bool, typer.Option("--all", help="Bangun semua yang dipilih, juga yang tidak berubah.")
    ] = False,
    start: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Untuk model dengan partisi: hanya mulai hari ini."),
    ] = None,
    end: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Sampai hari ini, termasuk.")
    ] = None,
    threads: Threads = 4,
) -> None:
    """Bangun model: masing-masing sebagai tabel calon, diuji, lalu dirilis. Yang gagal, juga pembacanya, tetap.

    Yang SQL, uji, dan masukannya tidak berubah sejak rilis terakhirnya dibiarkan.
    Kode keluar 1 bila ada yang gagal atau ditahan.
    """
    from pipelines.models.build.runner import build

    project = _project(_window(start, end))
    run_id = f"gudang-models-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    console = _console()
    results = build(
        project, _connection(), select=select, exclude=exclude or (), run_id=run_id, threads=threads,
        full_refresh=full_refresh, build_all=build_all, on_result=lambda result: _print_result(console, result),
    )  # fmt: skip
    _conclude(console, results)


@app.command("test")
def ask_tests(select: Select = None, exclude: Exclude = None, threads: Threads = 4) -> None:
    """Uji model yang sudah dirilis; tidak ada yang dibangun. Kode keluar 1 bila uji bertingkat galat gagal."""
    from pipelines.models.build.runner import run_tests

    console = _console()
    results = run_tests(
        _project(), _connection(), select=select, exclude=exclude or (), threads=threads,
        on_result=lambda result: _print_result(console, result),
    )  # fmt: skip
    _conclude(console, results)


@app.command()
def docs(
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder situsnya; bawaannya menurut GUDANG_DICTIONARY_DIR.",
        ),
    ] = None,
    ask_warehouse: Annotated[
        bool,
        typer.Option(
            "--warehouse/--no-warehouse",
            help="Tanyakan tipe, rilis terakhir, dan hasil uji pada gudang data.",
        ),
    ] = True,
    open_it: Annotated[bool, typer.Option("--open", help="Lalu buka di peramban.")] = False,
) -> None:
    """Buat kamus data: situs statis berisi setiap relasi dan kolom, dengan silsilahnya.

    Membacanya tidak memerlukan server atau jaringan. Tanpa gudang data pun kamus tetap dibuat.
    """
    from pipelines.datasets import read_datasets
    from pipelines.publication.dictionary.site import write_dictionary
    from pipelines.runtime.environment import current_settings
    from pipelines.runtime.home import make_home

    settings = current_settings()
    if out is None:
        make_home(settings.home)
    project, contracts = _project(), read_datasets(settings).contracts
    with _warehouse_if_there() if ask_warehouse else nullcontext() as connection:
        written = write_dictionary(project, contracts, out or settings.dictionary_dir, connection)
    print(
        f"{written.pages} halaman, {written.changed} berubah, {len(written.removed)} dihapus: {written.start}"
    )
    if open_it:
        typer.launch(written.start.resolve().as_uri())


@contextmanager
def _warehouse_if_there() -> Iterator[Connection[Any] | None]:
    """A connection to the warehouse; None if there is no warehouse. It does not make one."""
    from pipelines.runtime.embedded import EmbeddedServer
    from pipelines.runtime.environment import current_settings, warehouse_url
    from pipelines.warehouse.connection import connect

    settings = current_settings()
    connection = None
    if not settings.warehouse_url and not EmbeddedServer(settings.home).data_dir.exists():
        print("Gudang data belum ada: kamus hanya memuat isi kontrak dan model.", file=sys.stderr)
    else:
        try:
            connection = connect(warehouse_url())
        except LoadError as error:
            print(shown(f"{error}\nKamus dibuat tanpa gudang data."), file=sys.stderr)
    with connection or nullcontext():
        yield connection


def _project(window: Window | None = None) -> Project:
    from pipelines.models.project.project import load_project
    from pipelines.runtime.environment import current_settings

    settings = current_settings()
    return load_project(settings.models_dir, window=window, suites=settings.expectations_dir)


def _connection() -> str:
    """Makes the ledger and functions of the warehouse, and gives its libpq URL."""
    from pipelines.datasets import read_datasets
    from pipelines.load import prepare
    from pipelines.redaction.database_urls import libpq_url
    from pipelines.runtime.environment import current_settings, warehouse_url
    from pipelines.warehouse.connection import connect

    settings = current_settings()
    url = warehouse_url()
    with connect(url) as connection:
        datasets = read_datasets(settings)
        prepare.prepare(connection, datasets.contracts, set_aside=[s.key for s in datasets.set_aside])
    return libpq_url(url)


def _window(start: datetime | None, end: datetime | None) -> Window | None:
    from pipelines.contracts.windows import Window

    if start is None and end is None:
        return None
    if start is None or end is None or start > end:
        raise typer.BadParameter("--start dan --end disebut bersama, yang lebih awal dahulu")
    return Window(start.date(), end.date())


def _one(project: Project, name: str) -> Node:
    if name not in project.nodes:
        hint = did_you_mean(name, project.nodes) or "`gudang models list` menyebut semuanya"
        raise ModelError(name, "model atau seed ini tidak dikenal", hint=hint)
    return project.nodes[name]


def _file(project: Project, node: Node) -> str:
    return node.path.relative_to(project.root.parent).as_posix()


def _facts(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "kind": node.kind,
        "relation": node.relation,
        "tags": list(node.tags),
        "depends_on": list(node.depends_on),
        "sources": [".".join(source) for source in node.sources],
        "tests": [check.name for check in node.checks],
        "description": node.description,
    }


def _print_rows(console: Terminal, node: Node, limit: int) -> None:
    import psycopg
    from psycopg import sql
    from rich.table import Table

    from pipelines.warehouse.relation import identifier

    with psycopg.connect(_connection()) as connection:
        try:
            cursor = connection.execute(
                sql.SQL("select * from {} limit {}").format(identifier(node.table), sql.Literal(limit))
            )
        except psycopg.errors.UndefinedTable:
            raise GudangError(node.relation, "belum ada", hint=f"gudang models run -s +{node.name}") from None
        table = Table(*(column.name for column in cursor.description or ()))
        for row in cursor:
            table.add_row(*("" if value is None else str(value) for value in row))
    console.print(table)


def _print_result(console: Terminal, result: NodeResult) -> None:
    from pipelines.runtime.terminal import styled

    word, colour = STATES[result.state]
    rows = (
        ""
        if result.rows is None
        else f"{number(result.rows)} baris" + (" baru" if result.incremented else "")
    )
    if result.unchanged:
        rows = "tidak berubah"
    tests = f"{sum(t.passed for t in result.tests)}/{len(result.tests)} uji" if result.tests else ""
    console.print(
        styled(f"{word:<10}", colour),
        f"{result.asset:<48} {rows:>18} {tests:>10} {result.seconds:7.2f} detik",
    )
    if result.error:
        console.print(f"  {result.error}", style=colour)
    for warning in result.warnings:
        console.print(f"  peringatan: {warning.name}: {warning.message}", style="yellow")


def _conclude(console: Terminal, results: list[NodeResult]) -> None:
    counts = {word: sum(r.outcome == state for r in results) for state, (word, _) in STATES.items()}
    console.print(", ".join(f"{count} {word}" for word, count in counts.items() if count))
    if any(result.state != "ok" for result in results):
        raise typer.Exit(1)


def _console() -> Terminal:
    from pipelines.runtime.terminal import Terminal

    console = Terminal()
    if not console.is_terminal:
        console.width = 160
    return console
