"""`gudang`: the few commands around Dagster's own `dg`.

What belongs here: arguments, the environment of a command, what is printed, exit codes. Not here: the work. Modules
are imported by the commands that need them, so that `gudang --help` and `gudang psql` start at once.

Exit codes: 0 done, 1 a fault that the message names, 2 wrong usage, 130 ended by Ctrl-C.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli import models
from pipelines.cli.processes import refuse_taken, refuse_while_used, run_to_its_end
from pipelines.errors import GudangError
from pipelines.redaction.secrets import shown

app = typer.Typer(
    name="gudang",
    help="Gudang Data Kaltim: the warehouse that fills itself. Without configuration it runs on an embedded "
    "PostgreSQL with a demo OPD, all in one folder (GUDANG_HOME, default .gudang).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(models.app)
_DRIVERS = ("psycopg", "psycopg2", "sqlalchemy", "dagster_postgres")
_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
# `dg dev` is what Dagster recommends instead: it starts this very command on a workspace file of its own making.
_NO_ADVICE = ("-W", "ignore:Function `dev_command`")


def main() -> None:
    """The entry point: a GudangError is one line for a person, never a traceback."""
    try:
        app()
    except GudangError as error:
        print(shown(f"gudang: {error}"), file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        lost = _lost_connection(error)
        if lost is None:
            raise
        print(
            shown(f"gudang: PostgreSQL does not answer: {lost} (start it, run this again)"), file=sys.stderr
        )
        raise SystemExit(1) from None


@app.command()
def nightly() -> None:
    """Run one night: all sources into the warehouse, all models, all publications.

    The same chain of runs as the nightly schedule. Exit code 1 when a dataset, model or publication failed; the
    others are done all the same, and `gudang status` tells which.
    """
    from pipelines.runtime.environment import current_settings, prepare_environment
    from pipelines.settings import load_settings

    with prepare_environment(current_settings(), command="nightly"):
        # Its import reads the project, which must be one.
        from pipelines.nightly import walk

        raise typer.Exit(walk(load_settings()))


@app.command()
def reload(
    dataset: Annotated[
        str, typer.Argument(metavar="OPD/DATASET", help="Which dataset, for example bapenda/pembayaran_pkb.")
    ],
) -> None:
    """Load one dataset whole, whatever its watermark or windows: what the source has takes the place of all.

    For a contract whose columns changed, a new pseudonym key, or rows that were corrected long ago. The history of a
    dataset that keeps versions stays. Exit code 1 when the load failed; what was published before then stays.
    """
    from pipelines.runtime.environment import current_settings, prepare_environment
    from pipelines.settings import load_settings

    with prepare_environment(current_settings(), command=f"reload {dataset}"):
        from pipelines.nightly import reload as load_whole

        raise typer.Exit(load_whole(load_settings(), dataset))


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port of the web UI.", min=1, max=65535)] = 3000,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on. The UI has no log-in: keep it local, or put a proxy before it."
        ),
    ] = "127.0.0.1",
) -> None:
    """Open Dagster: web UI, schedules and sensors, in the foreground until Ctrl-C."""
    from pipelines.runs.readiness import close_dead_runs, make_ready
    from pipelines.runtime.environment import (
        current_settings,
        die_with_parent,
        end,
        end_session,
        prepare_environment,
    )
    from pipelines.settings import load_settings

    settings = current_settings()
    refuse_taken(host, port)
    with prepare_environment(settings, command="ui"):
        make_ready(load_settings())
        close_dead_runs(print)
        # In a session of its own: one Ctrl-C reaches it once, from here, and it ends its own children in order.
        dagster = subprocess.Popen(
            [sys.executable, *_NO_ADVICE, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", host, "-p", str(port)],
            cwd=settings.project, start_new_session=True, preexec_fn=die_with_parent(signal.SIGINT),
        )  # fmt: skip
        signal.signal(signal.SIGTERM, _terminated)
        try:
            code = dagster.wait()
        finally:
            end(dagster, signal.SIGINT, patience=60)
            # Busy, it leaves code servers behind.
            end_session(dagster.pid)
    raise typer.Exit(1 if code else 0)


@app.command()
def prepare() -> None:
    """Make the warehouse ready for Dagster's own processes: code server, webserver and daemon, started separately.

    Tables, functions and reference data as this version has them; Dagster's database in UTC; runs whose process is
    gone are closed. `gudang ui` and `gudang nightly` do so themselves. May be run again at any time, and should be
    after an update.
    """
    from pipelines.runs.readiness import close_dead_runs, make_ready
    from pipelines.runtime.environment import current_settings, prepare_environment
    from pipelines.settings import load_settings

    with prepare_environment(current_settings(), demo=False, command="prepare"):
        make_ready(load_settings())
        close_dead_runs(print)
        print(f"Ready. DAGSTER_HOME is {os.environ['DAGSTER_HOME']}.")


@app.command()
def upload(
    dataset: Annotated[
        str, typer.Argument(metavar="OPD/DATASET", help="Which dataset, for example samarinda/penduduk.")
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="The files, as the OPD sent them.", exists=True, dir_okay=False
        ),
    ],
) -> None:
    """Put files into the upload zone, as an OPD would.

    With `gudang ui` open, the upload sensor loads them within half a minute; else the next night does. The same bytes
    twice are loaded once; the same name with other bytes is a correction. Nothing is put there unless every file fits.
    """
    from pipelines.contracts.upload import FileExtract
    from pipelines.datasets import read_datasets
    from pipelines.extract.upload.files import put_upload, stands_there
    from pipelines.extract.upload.zone import upload_zone
    from pipelines.runtime.environment import close_zone, current_settings
    from pipelines.runtime.home import make_home

    settings = current_settings()
    datasets = read_datasets(settings)
    uploads = {c.key: c.extract for c in datasets.contracts if isinstance(c.extract, FileExtract)}
    if faulty := [s for s in datasets.set_aside if s.key == dataset]:
        raise GudangError(dataset, "; ".join(faulty[0].describe()), hint="`gudang validate`")
    if dataset not in uploads:
        raise GudangError(dataset, "no contract takes uploads for it", hint=f"these do: {', '.join(uploads)}")
    _refuse_misnamed(dataset, files, uploads[dataset].pattern)
    make_home(settings.home)
    close_zone(settings)
    for file in files:
        before = stands_there(upload_zone(settings), dataset, file)
        place = put_upload(upload_zone(settings), dataset, file)
        print(shown(f"{file.name} -> {place}{_BEFORE[before]}"))
    print("They are loaded by the upload sensor if `gudang ui` is open, else by the next `gudang nightly`.")
    print("`gudang status` then shows how many rows were loaded and how many are in quarantine.")


_BEFORE = {
    None: "",
    True: " (the same bytes lay there: nothing new)",
    False: " (replaces the file of this name, whose bytes were others: a correction)",
}


def _refuse_misnamed(dataset: str, files: list[Path], pattern: str) -> None:
    lost = [file.name for file in files if not fnmatchcase(file.name.lower(), pattern.lower())]
    if lost:
        raise GudangError(
            dataset,
            f"{', '.join(lost)} would not be found; nothing was put there",
            hint=f"its files are {pattern}",
        )
    names = [file.name for file in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise GudangError(
            dataset, f"{', '.join(twice)} is given twice; nothing was put there", hint="give each name once"
        )


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list, for programs.")] = False,
) -> None:
    """Show each dataset's latest load and checks, and what lies in the upload zone that nobody takes.

    With --json the latter goes to standard error.
    """
    from pipelines.cli.status import dataset_status, not_taken, with_set_aside
    from pipelines.cli.status_table import print_status
    from pipelines.contracts.files import contract_keys
    from pipelines.datasets import read_datasets
    from pipelines.runtime.environment import current_settings, warehouse_url

    settings = current_settings()
    datasets = read_datasets(settings)
    rows = dataset_status(warehouse_url(), contract_keys(settings.contracts_dir))
    rows = with_set_aside(rows, datasets)
    if as_json:
        print(json.dumps(rows, default=str, indent=2))
    elif rows:
        print_status(rows)
    else:
        print("Belum ada dataset yang dimuat: `gudang nightly` menjalankan malam pertama.")
    if left := not_taken(settings, datasets):
        out = sys.stderr if as_json else sys.stdout
        print("Di zona unggah, tidak diambil:", *(shown(f"  {line}") for line in left), sep="\n", file=out)


@app.command()
def validate(
    fix: Annotated[
        bool,
        typer.Option("--fix", help="First write dbt_like_sql/models/sources.yml anew from the contracts."),
    ] = False,
) -> None:
    """Check contracts, expectations and models without touching a source or the warehouse.

    Prints `file:line: message (mend)` for every fault, and ends with exit code 1 when there is one.
    """
    from pipelines.cli.validate import renew_sources
    from pipelines.cli.validate import validate as find_faults
    from pipelines.runtime.environment import current_settings

    settings = current_settings()
    if fix:
        renew_sources(settings)
    faults = find_faults(settings)
    for fault in faults:
        hint = f" ({fault.hint})" if fault.hint else ""
        print(shown(f"{_from_here(fault.path)}:{fault.line}: {fault.message}{hint}"))
    if faults:
        raise typer.Exit(1)
    print("No fault found.")


@app.command(context_settings=_PASS_ON)
def psql(context: typer.Context) -> None:
    """Open psql on the warehouse; everything after `psql` is psql's: gudang psql -c "select now()"."""
    from pipelines.redaction.database_urls import without_password
    from pipelines.runtime.embedded import EmbeddedServer
    from pipelines.runtime.environment import current_settings, warehouse_url

    program = EmbeddedServer(current_settings().home).bin_dir / "psql"
    place, password = without_password(warehouse_url())
    env = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    os.execve(program, [str(program), "-d", place, *context.args], env)  # noqa: S606


@app.command(context_settings=_PASS_ON)
def run(context: typer.Context) -> None:
    """Run a command in this environment, Dagster's own among them: gudang run dg launch --assets "raw/dinkes/*"."""
    from pipelines.runtime.environment import current_settings, prepare_environment

    if not context.args:
        raise typer.BadParameter("which command? for example: gudang run dg list defs")
    if context.args[:2] == ["dg", "scaffold"]:
        raise GudangError(
            "dg scaffold",
            "assets of this project are made from contracts and SQL models, not from Dagster's components",
            hint="docs/add-a-dataset.md and docs/models.md say how",
        )
    settings = current_settings()
    with prepare_environment(settings, command=f"run {context.args[0]}"):
        own = str(Path(sys.executable).parent)
        env = {
            **os.environ,
            "PATH": os.pathsep.join((own, os.environ.get("PATH", os.defpath))),
            "VIRTUAL_ENV": sys.prefix,
        }
        program = shutil.which(context.args[0], path=env["PATH"])
        if program is None:
            raise GudangError(context.args[0], "there is no such command", hint=f"looked in {own} and PATH")
        raise typer.Exit(run_to_its_end([program, *context.args[1:]], env))


_FORCE = Annotated[bool, typer.Option("--force", help="Also while a night runs or Dagster is open.")]


@app.command()
def stop(force: _FORCE = False) -> None:
    """Stop the embedded PostgreSQL. The next command that needs it starts it again."""
    from pipelines.runtime.embedded import EmbeddedServer
    from pipelines.runtime.environment import current_settings

    server = EmbeddedServer(current_settings().home)
    if not force:
        refuse_while_used(server)
    print("Stopped." if server.stop() else "It was not running.")


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False, force: _FORCE = False
) -> None:
    """Delete the home folder: embedded warehouse, uploads, publications, demo key. An external warehouse stays."""
    from pipelines.runtime.embedded import EmbeddedServer
    from pipelines.runtime.environment import current_settings
    from pipelines.runtime.home import check_home, delete_home

    home = current_settings().home
    if not home.exists():
        print(f"{home} is not there.")
        return
    check_home(home)
    server = EmbeddedServer(home)
    if not force:
        refuse_while_used(server)
    if not yes:
        typer.confirm(f"Delete {home} and everything in it?", abort=True)
    server.stop()
    delete_home(home)
    print(f"Deleted {home}.")


@app.command(context_settings=_PASS_ON)
def bench(context: typer.Context) -> None:
    """Measure what loading costs, against the least it could and other tools: gudang bench --quick, --help."""
    from pipelines.runtime.environment import current_settings

    command = [sys.executable, "-m", "benchmarks", *context.args]
    raise typer.Exit(subprocess.run(command, cwd=current_settings().project, check=False).returncode)


def _lost_connection(error: BaseException | None) -> str | None:
    """The first line of what a driver said of a connection that it lost or did not get; None for any other fault."""
    said = None
    while error is not None:
        kinds = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.split(".")[0] in _DRIVERS}
        if kinds & {"OperationalError", "InterfaceError", "DagsterPostgresException"}:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        error = error.__cause__ or error.__context__
    return said


def _from_here(path: Path) -> Path:
    here = Path.cwd()
    return Path(path).relative_to(here) if Path(path).is_relative_to(here) else Path(path)


def _terminated(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
