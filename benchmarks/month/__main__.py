"""`gudang bench month`: nights, uploads and faults of a month on the set-up of a server, in minutes.

The clock of PostgreSQL and of every process of ours is set forward, so that the real schedules start the nights and the
weekly maintenance. What belongs here: the order of things. Not here: the servers (server.py), what breaks (faults.py).
"""

from __future__ import annotations

import argparse
import random
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.month import faults, measure
from benchmarks.month.account import SEEN, account, waiting
from benchmarks.month.clock import Clock
from benchmarks.month.files import DATASETS, Senders
from benchmarks.month.memory import watched
from benchmarks.month.report import Month, keep, show
from benchmarks.month.server import Server, a_mariadb
from pipelines.datasets import files_left, read_datasets
from pipelines.jobs import NIGHT
from pipelines.sensors.maintenance import MAINTENANCE
from pipelines.settings import PROJECT_ROOT, Settings
from tests.support.servers import short_folder

NIGHT_HOUR, MAINTENANCE_HOUR = 2, 12
SUNDAY = 6
_STEP = timedelta(seconds=15)
"""By which the clock is set forward while nothing works and something is waited for."""
_QUIET = 3
"""So often in a row nothing may be left to do. Models are built some time after the last file was loaded."""
_LONGEST_S = 600.0
"""The most machine seconds that a night may need until nothing is left to do."""
_MEND_S = 120.0
"""How long what was broken may take to be mended at the end of a night."""
_OPEN = "('QUEUED', 'NOT_STARTED', 'STARTING', 'STARTED', 'CANCELING')"


def main() -> None:
    """Runs a month, prints its report, keeps the figures as JSON; the exit status is 1 if something is wrong."""
    parser = argparse.ArgumentParser(
        prog="gudang bench month", description="A month on a server, in minutes."
    )
    parser.add_argument("--nights", type=int, default=3, help="nights (default 3)")
    parser.add_argument("--uploads", type=int, default=60, help="files that OPD put (default 60)")
    parser.add_argument("--faults", type=int, default=6, help="faults besides bad files (default 6)")
    parser.add_argument("--kills", type=int, default=1, help="how often the daemon is killed (default 1)")
    parser.add_argument("--seed", type=int, default=1, help="another number gives other files (default 1)")
    parser.add_argument(
        "--minutes", type=float, default=None, help="no further night begins after so many minutes"
    )
    parser.add_argument("--logs", type=Path, help="folder to which the services' logs are copied")
    options = parser.parse_args()
    if why := Clock.missing():
        raise SystemExit(why)
    if min(options.nights, options.uploads) < 1:
        parser.error("at least one night and one upload")
    asked = {name: getattr(options, name) for name in ("nights", "uploads", "faults", "kills", "seed")}
    month = Month(asked)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        _run(month, options)
    finally:
        lines = "\n".join(show(month))
        print(f"\n{lines}", flush=True)
        path = PROJECT_ROOT / "benchmarks" / "results" / f"month-{datetime.now():%Y%m%d-%H%M%S}.json"
        keep(month, path)
        print(f"\nwritten: {path}")
    raise SystemExit(1 if month.wrong() else 0)


def _end(number: int, _frame: object) -> None:
    """Ends us in order, also where we run in the background and the shell ignores Ctrl-C for us."""
    raise SystemExit(128 + number)


def _run(month: Month, options: argparse.Namespace) -> None:
    chance = random.Random(options.seed)
    with short_folder(on_disk=True) as folder, a_mariadb(folder) as mariadb:
        clock = Clock(folder)
        server = Server(folder, clock, mariadb)
        try:
            _say(clock, "making project, databases and sources")
            server.make()
            server.start()
            _say(clock, "the services run")
            senders = Senders(server.zone, chance)
            with watched(server, month.memory):
                _nights(month, options, server, senders, chance)
            _finish(month, server, senders)
        finally:
            server.stop()
            if options.logs:
                options.logs.mkdir(parents=True, exist_ok=True)
                for log in folder.glob("*.log"):
                    (options.logs / log.name).write_bytes(log.read_bytes())


def _nights(
    month: Month, options: argparse.Namespace, server: Server, senders: Senders, chance: random.Random
) -> None:
    begun = time.monotonic()
    breaking = _spread([faults.FAULTS[n % len(faults.FAULTS)] for n in range(options.faults)], options.nights)
    # The second half of the month leaves the daemon alone, so that its memory can be judged.
    killing = _spread([faults.daemon_killed] * options.kills, max(1, options.nights // 2))
    per_night = _spread([None] * options.uploads, options.nights)
    for night in range(options.nights):
        if options.minutes and time.monotonic() - begun > options.minutes * 60:
            _say(server.clock, f"the time is over after {night} nights")
            break
        start = time.monotonic()
        server.clock.advance_to(NIGHT_HOUR)
        date = server.clock.now().date().isoformat()
        events: list[Callable[[], faults.Mend | None]] = [senders.put] * len(per_night[night])
        for fault in breaking[night] + (killing[night] if night < len(killing) else []):
            events.insert(chance.randrange(len(events) + 1), _breaker(month, server, night + 1, fault))
        mends: list[tuple[float, faults.Mend]] = []
        try:
            for event in events:
                if mend := event():
                    mends.append((time.monotonic() + faults.HOLD_S, mend))
                _mend(mends)
                time.sleep(min(0.3, 30 / len(events)))
            while mends:
                _mend(mends)
                time.sleep(0.5)
        finally:
            _mend(mends, now=True)
        senders.wait()
        _settle(month, server, senders, f"night {night + 1}", partial(_night_is_over, server, date))
        if server.clock.now().weekday() == SUNDAY:
            _maintain(month, server, senders)
        measure.look_at_pages(server)
        month.nights.append(measure.measure(server, night + 1, time.monotonic() - start, len(senders.puts)))
        last = month.nights[-1]
        sizes = ", ".join(f"{name} {mb:.0f} MB" for name, mb in last.memory.items())
        _say(server.clock, f"night {night + 1} took {last.seconds:.0f} s, {last.files} files; {sizes}")


def _spread(things: list[Any], nights: int) -> list[list[Any]]:
    """The things, spread evenly over the nights."""
    count = len(things)
    return [things[n * count // nights : (n + 1) * count // nights] for n in range(nights)]


def _breaker(
    month: Month, server: Server, night: int, fault: Callable[[Server], faults.Mend]
) -> Callable[[], faults.Mend | None]:
    """What breaks something and notes it."""

    def break_it() -> faults.Mend | None:
        noted = {"night": night, "what": fault.__name__, "at": server.clock.now().isoformat(), "done": True}
        month.faults.append(noted)
        _say(server.clock, f"fault: {fault.__name__}")
        try:
            return fault(server)
        except faults.NothingToBreakError:
            noted["done"] = False
            return None

    return break_it


def _mend(mends: list[tuple[float, faults.Mend]], *, now: bool = False) -> None:
    """Mends what has been broken for long enough; with `now`, all of it. What cannot be mended yet waits."""
    deadline = time.monotonic() + _MEND_S
    while True:
        # The last one first: it may be what keeps the others from being mended.
        for entry in reversed([one for one in mends if now or one[0] < time.monotonic()]):
            mends.remove(entry)
            try:
                entry[1]()
            except faults.NotYetError:
                mends.append((time.monotonic() + 1, entry[1]))
        if not (now and mends):
            return
        if time.monotonic() > deadline:
            raise TimeoutError("a fault could not be mended")
        time.sleep(1)


def _settle(month: Month, server: Server, senders: Senders, what: str, is_over: Callable[[], bool]) -> None:
    """Waits until it is over, no run is open and every file is judged, twice in a row.

    Where no process works, the clock is set forward, so that sensors and retries are due at once.
    """

    def files() -> list[str]:
        return [file for file in waiting(senders.puts, server.ask(SEEN)) if file not in month.given_up]

    deadline = time.monotonic() + _LONGEST_S
    quiet = 0
    while time.monotonic() < deadline:
        if server.workers():
            quiet = 0
            time.sleep(1)
            continue
        if is_over() and not _open_runs(server) and not files():
            quiet += 1
        else:
            quiet = 0
        if quiet == _QUIET:
            return
        server.clock.advance(_STEP)
        time.sleep(4)
    left = files()
    still = [*(() if is_over() else ("it is not over",)), *_open_runs(server), *left]
    month.given_up.update(left)
    _say(server.clock, f"{what} did not settle in {_LONGEST_S:.0f} s: {', '.join(still[:5])}")
    month.open += [f"{what}: {one} after {_LONGEST_S:.0f} s" for one in still]


def _open_runs(server: Server) -> list[str]:
    rows = server.ask(
        f"select run_id, pipeline_name, status from runs where status in {_OPEN}", database="dagster"
    )
    return [f"run {run[:8]} of {job} is {state}" for run, job, state in rows]


def _night_is_over(server: Server, date: str) -> bool:
    """Whether the last link of the night of this date has ended."""
    rows = server.ask(
        "select status from runs r join run_tags t on t.run_id = r.run_id and t.key = %s and t.value = %s"
        " where pipeline_name = 'publication' order by r.id desc limit 1",
        NIGHT, date, database="dagster",
    )  # fmt: skip
    return bool(rows) and rows[0][0] in ("SUCCESS", "FAILURE", "CANCELED")


def _maintain(month: Month, server: Server, senders: Senders) -> None:
    """Sets the clock to the hour of the weekly maintenance, and waits for it."""
    count = "select count(*) from runs where pipeline_name = %s and status in ('SUCCESS', 'FAILURE')"
    before = server.ask(count, MAINTENANCE, database="dagster")[0][0]
    server.clock.advance_to(MAINTENANCE_HOUR)
    _settle(
        month, server, senders, "the maintenance",
        lambda: server.ask(count, MAINTENANCE, database="dagster")[0][0] > before,
    )  # fmt: skip
    for (message,) in server.ask(
        "select event::jsonb ->> 'user_message' from event_logs where run_id = (select run_id from runs where"
        " pipeline_name = %s order by id desc limit 1) and event like '%%dihapus%%' and dagster_event_type is null",
        MAINTENANCE, database="dagster",
    ):  # fmt: skip
        month.pruned.append(f"{server.clock.now().date()}: {message}")


def _finish(month: Month, server: Server, senders: Senders) -> None:
    """Takes the figures of the whole month."""
    settings = Settings(
        home=server.home, project=server.project, warehouse_url=server.postgres.urls.warehouse
    )
    left = {file.place: file.reason for file in files_left(settings, read_datasets(settings))}
    there = {d for d in DATASETS if server.ask("select to_regclass(%s)", f"raw.uji__{d}") != [(None,)]}
    raw = {d: server.ask(f"select id, penanda from raw.uji__{d}") if d in there else [] for d in DATASETS}
    month.account = account(senders.puts, server.ask(SEEN), left, raw)
    month.open += _open_runs(server)
    month.runs, month.ticks = measure.run_states(server), measure.tick_seconds(server)
    month.failed_ticks = measure.failed_ticks(server)
    month.files = measure.file_seconds(server, senders.puts)
    month.restarts = server.restarts
    month.is_finished = True


def _say(clock: Clock, text: str) -> None:
    print(f"{datetime.now():%H:%M:%S}  {clock.now():%Y-%m-%d %H:%M}  {text}", flush=True)


if __name__ == "__main__":
    main()
