"""`make bench`: what loads and models cost, as ratios to the least that they could cost, measured in one run.

A load has 1,000,000 rows of 14 mixed columns. Every case runs in a process of its own. The cases of a group take turns,
and their medians are compared. A case of gudang is a whole load: landing, validation, primary key, exchange, ledger.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import rows as data
from benchmarks.cases import CASES
from benchmarks.document import write_document
from benchmarks.groups import DLT, GROUPS, TITLES, Group
from benchmarks.memory import run_watched
from benchmarks.target import dlt_content
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.settings import Settings, load_settings
from tests.support.servers import MariaDB, short_folder

PEERS = ".venv-bench"
DLT_PORT = 5432
DOCUMENTED_ROWS = 1_000_000
LEAST_ROWS = 1_000


class CaseFailedError(Exception):
    """A case ended without figures; the figures of the other cases are kept."""


MEMORY = ("gudang_postgresql", "gudang_mariadb", "gudang_csv")


@dataclass
class Run:
    """What was measured of one group."""

    group: Group
    rows: int
    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    megabytes: dict[str, float] = field(default_factory=dict[str, float])
    content: dict[str, str] = field(default_factory=dict[str, str])
    parts: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def title(self) -> str:
        """The group, and how many rows."""
        return self.group.title + (f", {self.rows:,} rows" if self.group.sized else "")

    def median(self, case: str) -> float:
        """The median of a case's seconds."""
        return statistics.median(self.seconds[case])

    def ratio(self, case: str) -> float:
        """How many times the limit's median a case took."""
        return self.median(case) / self.median(self.group.cases[0])

    def unequal(self) -> list[str]:
        """The cases that left other rows than the limit."""
        limit = self.content.get(self.group.cases[0])
        return [c for c, content in self.content.items() if limit and content != limit]

    def lines(self) -> list[tuple[str, float, float, str, float]]:
        """A line per case: way, seconds, times the limit, spread, peak MB."""
        return [
            (
                TITLES[c] + (" (NOT the same rows)" if c in self.unequal() else ""),
                self.median(c),
                self.ratio(c),
                f"{min(self.seconds[c]):.2f} to {max(self.seconds[c]):.2f}",
                self.megabytes[c],
            )
            for c in self.group.cases
            if c in self.seconds
        ]


def main() -> None:
    """Measures the groups that the command line names, prints the figures, and renews the document with --document."""
    parser = argparse.ArgumentParser(
        prog="gudang bench", description="What loads cost, against the least they could."
    )
    parser.add_argument(
        "--rows", type=int, default=DOCUMENTED_ROWS, help="rows of a load (default 1,000,000)"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds, of which the median counts (default 3)"
    )
    parser.add_argument("--quick", action="store_true", help="100,000 rows, one round: does everything run?")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="GROUP",
        choices=[*(g.name for g in GROUPS), "memory"],
        help="these groups only",
    )
    parser.add_argument(
        "--document",
        action="store_true",
        help="renew docs/benchmarks.md and its chart; with --only, the figures of these groups",
    )
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(CASES[options.case](load_settings(), options.rows)))
        return
    if options.document and (options.quick or options.rows != DOCUMENTED_ROWS):
        parser.error(f"--document needs {DOCUMENTED_ROWS:,} rows")
    if options.rounds < 1 or options.rows < LEAST_ROWS:
        parser.error(f"at least one round, and {LEAST_ROWS} rows")
    if options.quick:
        options.rows, options.rounds = 100_000, 1
    with _server(load_settings()) as settings, _sources(settings, options) as missing:
        runs, failed = _runs(settings, options, missing)
        memory = _memory(options, missing, failed) if _wanted("memory", options) else {}
    for run in runs:
        _show(run)
    for case, (few, many) in memory.items():
        source = case.removeprefix("gudang_")
        print(f"peak memory, {source}: {few:.0f} MB at few rows, {many:.0f} MB at many")
    for name, why in missing.items():
        print(f"{name}: left out, {why}")
    _keep_results(settings, runs, memory)
    if options.document and not failed:
        write_document(settings.project, runs, memory, [group.title for group in GROUPS])
    if failed:
        raise SystemExit("\n".join(failed))
    if any(case.startswith("gudang") for run in runs for case in run.unequal()):
        raise SystemExit("ours left other rows than the limit: see above")


@contextmanager
def _server(settings: Settings) -> Iterator[Settings]:
    """Starts a PostgreSQL of the benchmark's own, which touches no warehouse; for dlt also on the loopback."""
    with short_folder(on_disk=True) as folder:
        server = EmbeddedServer(folder / "home")
        server.ensure()
        os.environ["GUDANG_HOME"] = str(server.home)
        try:
            if not _listens(DLT_PORT):
                with psycopg.connect(server.urls.libpq("postgres"), autocommit=True) as admin:
                    admin.execute("alter system set listen_addresses = '127.0.0.1'")
                server.stop()
                server.ensure()
            yield replace(settings, home=server.home, warehouse_url=None)
        finally:
            server.stop()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _wanted(name: str, options: argparse.Namespace) -> bool:
    return options.only is None or name in options.only


@contextmanager
def _sources(settings: Settings, options: argparse.Namespace) -> Iterator[dict[str, str]]:
    """Makes every source. Gives the groups that cannot run here, with the reason."""
    missing: dict[str, str] = {}
    few = min(options.rows, 100_000)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gudang-bench-")))
        folder.chmod(0o755)
        os.environ["BENCH_FOLDER"] = str(folder)
        sizes = {options.rows, few} | ({options.rows * 5} if _wanted("memory", options) else set[int]())
        if not any(_wanted(g.name, options) for g in GROUPS if g.sized) and not _wanted("memory", options):
            sizes = set()
        for rows in sorted(sizes):
            print(f"making {rows:,} rows", flush=True)
            data.make_source(settings, rows)
            if any(_wanted(name, options) for name in ("csv", "feedback", "memory")):
                data.make_csv(settings, rows, folder / f"{rows}.csv")
                data.make_dirty_csv(folder / f"{rows}.csv", folder / f"{rows}.dirty.csv")
        if _wanted("xlsx", options):
            data.make_xlsx(few, folder / f"{few}.xlsx")
        if _wanted("mariadb", options) or _wanted("memory", options):
            missing |= _mariadb(settings, sizes, folder, stack)
        if not (settings.project / PEERS / "bin" / "python").exists():
            missing[DLT] = missing["models"] = f"there is no {PEERS} (`make bench` makes it)"
        elif not data.is_ours(settings, DLT_PORT):
            missing[DLT] = f"port {DLT_PORT} of the loopback was taken, and dlt needs TCP"
        yield missing


def _mariadb(settings: Settings, sizes: set[int], folder: Path, stack: ExitStack) -> dict[str, str]:
    if why := MariaDB.missing():
        return {"mariadb": why}
    server = stack.enter_context(MariaDB.start(stack.enter_context(short_folder(on_disk=True))))
    os.environ["BENCH_MARIADB_URL"] = server.url
    for rows in sorted(sizes):
        data.make_mariadb(settings, server.url, rows, folder)
    return {}


def _runs(
    settings: Settings, options: argparse.Namespace, missing: dict[str, str]
) -> tuple[list[Run], list[str]]:
    """The groups that were measured, and the errors of those that were not."""
    runs: list[Run] = []
    failed: list[str] = []
    for group in GROUPS:
        if not _wanted(group.name, options) or group.name in missing:
            continue
        try:
            runs.append(_run(settings, group, options))
        except CaseFailedError as error:
            failed.append(str(error))
    return runs, failed


def _run(settings: Settings, group: Group, options: argparse.Namespace) -> Run:
    """Measures a group: every case once per round."""
    run = Run(group, min(options.rows, 100_000) if group.small else options.rows)
    for number in range(min(options.rounds, group.rounds or options.rounds)):
        for case in group.cases:
            figures = _dlt(settings, run.rows) if case == DLT else _measure(case, run.rows)
            run.seconds.setdefault(case, []).append(figures["seconds"])
            run.megabytes[case] = max(run.megabytes.get(case, 0.0), figures["megabytes"])
            if "content" in figures:
                run.content[case] = figures["content"]
            if case.startswith("gudang"):
                run.parts = figures.get("parts", run.parts)
            cost = f"{figures['seconds']:8.2f} s {figures['megabytes']:7.0f} MB"
            print(f"{group.name} {number + 1}: {TITLES[case]:40} {cost}", flush=True)
    return run


def _measure(case: str, rows: int) -> dict[str, Any]:
    """Runs a case in a process of its own."""
    return _figures_of([sys.executable, "-m", "benchmarks", "--case", case, "--rows", str(rows)], case)


def _figures_of(command: list[str], case: str) -> dict[str, Any]:
    """A case's figures. Its memory is that of all its processes, for a workbook is read in another process."""
    out, err, status, megabytes = run_watched(command)
    if status:
        raise CaseFailedError(f"{case} failed: {err.strip()[-1500:]}")
    figures = json.loads(out.splitlines()[-1])
    return figures | {"megabytes": max(figures["megabytes"], megabytes)}


def _dlt(settings: Settings, rows: int) -> dict[str, Any]:
    """Runs dlt in its own environment, over TCP."""
    server = f"postgres:none@127.0.0.1:{DLT_PORT}"
    # SQLAlchemy uses psycopg 3 for a bare postgresql://; dlt's destination knows only its own psycopg2.
    places = [
        f"postgresql+psycopg2://{server}/{data.source_name(rows)}",
        f"postgresql://{server}/bench_sasaran",
    ]
    program = str(settings.project / "benchmarks" / "peers.py")
    return _figures_of([str(settings.project / PEERS / "bin" / "python"), program, *places], DLT) | {
        "content": dlt_content(settings)
    }


def _memory(
    options: argparse.Namespace, missing: dict[str, str], failed: list[str]
) -> dict[str, tuple[float, float]]:
    """Peak MB of each case of MEMORY, at 100,000 rows and at five times the rows."""
    few, many = min(options.rows, 100_000), options.rows * 5
    cases = [c for c in MEMORY if not (c == "gudang_mariadb" and "mariadb" in missing)]
    found: dict[str, tuple[float, float]] = {}
    for case in cases:
        try:
            found[case] = (_measure(case, few)["megabytes"], _measure(case, many)["megabytes"])
        except CaseFailedError as error:
            failed.append(str(error))
            continue
        print(f"memory: {case} {found[case][0]:.0f} MB, {found[case][1]:.0f} MB", flush=True)
    return found


def _show(run: Run) -> None:
    print(f"\n{run.title}" + (f", {run.group.targets}" if run.group.targets else ""))
    print(f"  {'way':42} {'seconds':>8} {'x limit':>8} {'peak MB':>8}  from to")
    for way, seconds, ratio, spread, peak in run.lines():
        print(f"  {way:42} {seconds:8.2f} {ratio:8.2f} {peak:8.0f}  {spread}")
    if run.parts:
        print("  parts of ours: " + ", ".join(f"{k} {v:.2f} s" for k, v in run.parts.items()))
    for case in run.unequal():
        print(f"  NOT THE SAME ROWS: {TITLES[case]}")


def _keep_results(settings: Settings, runs: list[Run], memory: dict[str, tuple[float, float]]) -> None:
    folder = settings.project / "benchmarks" / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"{datetime.now():%Y%m%d-%H%M%S}.json"
    kept = [
        {"group": r.group.name, "rows": r.rows, "seconds": r.seconds, "megabytes": r.megabytes} for r in runs
    ]
    path.write_text(json.dumps({"runs": kept, "memory": memory}, indent=2), encoding="utf-8")
    print(f"\nwritten: {path}")


if __name__ == "__main__":
    main()
