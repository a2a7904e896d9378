"""The environment that a command runs in: server, keys, DAGSTER_HOME, and the demo OPD where nothing is configured.

What belongs here: what must be up and which variables must be set before a command works. Not here: their names and
defaults (settings.py), the server itself (embedded.py), any work with data. The environment a user sets always wins
over the project's `.env`, and both win over what is made here.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from pipelines.errors import GudangError
from pipelines.extract import samples
from pipelines.extract.upload.zone import upload_zone
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.runtime.home import make_home, private_folder
from pipelines.settings import PROJECT_ROOT, PSEUDONYM_KEY, Settings, load_settings

WAREHOUSE_URL = "GUDANG_WAREHOUSE_URL"
DAGSTER_URL = "GUDANG_DAGSTER_URL"
SOURCE_PREFIX = "GUDANG_SUMBER_"
DEMO = "GUDANG_DEMO"
"""Set to one of NO, it leaves the demo OPD out altogether."""
NO = ("0", "false", "no", "tidak", "off")
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_API_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1


def current_settings() -> Settings:
    """The settings of this process, its project's `.env` included: that is read into the environment first.

    Raises GudangError where no project is.
    """
    for name, value in read_dotenv(load_settings().project / ".env").items():
        os.environ.setdefault(name, value)
    settings = load_settings()
    # Installed as a wheel, the package lies in no project.
    if not settings.contracts_dir.is_dir():
        raise GudangError(
            str(settings.project),
            "here is no contracts/, so this is no project",
            hint="set GUDANG_PROJECT to the checkout, with contracts/, expectations/, dbt_like_sql/ and deploy/",
        )
    return settings


def warehouse_url() -> str:
    """The warehouse's SQLAlchemy URL; the embedded server is started if it is the warehouse and down."""
    settings = current_settings()
    url = settings.warehouse_url
    return _checked(WAREHOUSE_URL, url) if url else EmbeddedServer(settings.home).ensure().warehouse


def read_dotenv(path: Path) -> dict[str, str]:
    """NAME=value lines of `path`, {} if there is none; # comments, `export` and quotes around a value are allowed.

    Raises GudangError naming the line that is none of these.
    """
    if not path.is_file():
        return {}
    values: dict[str, str] = {}
    for number, raw in enumerate(path.read_text("utf-8").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _ASSIGNMENT.fullmatch(line)
        if match is None:
            raise GudangError(
                f"{path.name}:{number}", "this line is no NAME=value", hint="mend it, or start it with #"
            )
        values[match.group(1)] = _unquote(match.group(2))
    return values


@contextmanager
def prepare_environment(
    settings: Settings, *, demo: bool = True, command: str | None = None
) -> Iterator[dict[str, str]]:
    """Everything a command needs, up for as long as the context lasts; the variables are in `os.environ` meanwhile.

    Yields the variables that were added. The embedded server stays up afterwards (`gudang stop` stops it); the demo
    OPD's API server does not. Call `load_settings()` inside to see the warehouse's URL. While a `command` is named, it
    holds a lease, so that `gudang stop` knows of it.
    """
    make_home(settings.home)
    close_zone(settings)
    with ExitStack() as stack:
        added = stack.enter_context(_environ(warehouse_environment(settings)))
        if command:
            from pipelines.runtime.lease import hold

            stack.enter_context(hold(added[DAGSTER_URL], f"gudang {command}, pid {os.getpid()}"))
        if demo and demo_given(settings, os.environ):
            added |= stack.enter_context(_environ(stack.enter_context(_demo_opd(settings))))
        yield added


def close_zone(settings: Settings) -> None:
    """Our own upload zone, made if it is missing, closed to other users. One that somebody set keeps its modes: sshd
    asks for its own.
    """
    if upload_zone(settings) == settings.home / "unggahan":
        private_folder(settings.home / "unggahan")


def warehouse_environment(settings: Settings) -> dict[str, str]:
    """Starts the embedded server unless a warehouse is configured; URLs, key and DAGSTER_HOME as variables.

    Raises GudangError naming the variable that an external warehouse needs and does not have, or that is no URL, and
    when Dagster's database can't be reached or can't be kept in UTC.
    """
    if settings.warehouse_url is None:
        urls = EmbeddedServer(settings.home).ensure()
        warehouse, dagster = urls.warehouse, os.environ.get(DAGSTER_URL) or urls.dagster
        key = os.environ.get(PSEUDONYM_KEY) or _demo_key(settings.home / "kunci")
    else:
        warehouse, dagster, key = (
            settings.warehouse_url,
            _required(DAGSTER_URL, _DAGSTER_HINT),
            _required(PSEUDONYM_KEY, _KEY_HINT),
        )
    from pipelines.runtime.dagster_clock import keep_in_utc, utc_url

    warehouse = _checked(WAREHOUSE_URL, _with_driver(warehouse, "psycopg"))
    dagster = _checked(DAGSTER_URL, _with_driver(dagster, "psycopg2"))
    keep_in_utc(dagster)
    return {
        WAREHOUSE_URL: warehouse,
        DAGSTER_URL: utc_url(dagster),
        PSEUDONYM_KEY: key,
        "DAGSTER_HOME": str(_dagster_home(settings)),
    }


_DAGSTER_HINT = (
    "set it to postgresql+psycopg2://user:password@host/dagster, a database of its own for Dagster"
)
_KEY_HINT = (
    "make one with `openssl rand -hex 32`, keep it safe: without it the same person gets another pseudonym"
)


def _required(name: str, hint: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise GudangError(WAREHOUSE_URL, f"with a warehouse of your own, {name} must be set", hint=hint)
    return value


def _checked(name: str, url: str) -> str:
    """`url`, if it names a PostgreSQL database. A message never repeats it: a mistyped one may show its password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    from pipelines.redaction.database_urls import PASSWORD_HINT, has_unescaped

    hint = f"postgresql://user:password@host:5432/database; {PASSWORD_HINT}"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise GudangError(name, "this is no URL of a database", hint=hint) from None
    if has_unescaped(url):
        raise GudangError(name, "its user or password holds a @ or a blank as it is", hint=hint)
    if not parsed.drivername.startswith("postgresql") or not parsed.database:
        raise GudangError(name, "this is no URL of a PostgreSQL database", hint=hint)
    return url


def _with_driver(url: str, driver: str) -> str:
    """To SQLAlchemy 2.1 a bare postgresql:// means psycopg 3; each side needs the driver it was made for."""
    return re.sub(r"^postgres(ql)?://", f"postgresql+{driver}://", url)


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return re.split(r"\s+#", value, maxsplit=1)[0].rstrip()


def demo_given(settings: Settings, env: Mapping[str, str]) -> frozenset[str]:
    """The variables that the demo OPD would set: those of every source of which none is set.

    None with a warehouse of one's own, or where GUDANG_DEMO says no.
    """
    if settings.warehouse_url is not None or env.get(DEMO, "").lower() in NO:
        return frozenset()
    configured = {source_of(name) for name, value in env.items() if name.startswith(SOURCE_PREFIX) and value}
    return frozenset(name for name in _demo_variables() if source_of(name) not in configured)


def source_of(variable: str) -> str:
    """The source that a variable belongs to: GUDANG_SUMBER_DLH_URL and GUDANG_SUMBER_DLH_KEY are one's."""
    return variable.rpartition("_")[0]


@cache
def _demo_variables() -> tuple[str, ...]:
    """The names of all variables that the demo can set; none where it is not installed."""
    try:
        printed = _demo(
            "env", "--database-url", "postgresql://tiada/x", "--api-port", "1", project=PROJECT_ROOT
        )
    except GudangError:
        return ()
    return tuple(line.split("=", 1)[0] for line in printed.splitlines() if "=" in line)


@contextmanager
def _environ(values: Mapping[str, str]) -> Iterator[dict[str, str]]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield dict(values)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _dagster_home(settings: Settings) -> Path:
    """DAGSTER_HOME with its dagster.yaml. In our own home the file follows deploy/; elsewhere it is made once."""
    folder = settings.dagster_home.resolve()
    ours = folder.parent == settings.home
    if ours:
        private_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "dagster.yaml"
    template = settings.project / "deploy" / "dagster.yaml"
    if not template.is_file():
        raise GudangError(
            str(template), "this file is not there", hint="GUDANG_PROJECT must be a whole checkout"
        )
    wanted = template.read_text("utf-8")
    if not config.exists() or (ours and config.read_text("utf-8") != wanted):
        config.write_text(wanted, "utf-8")
    return folder


def _demo_key(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii").strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return path.read_text("ascii").strip()


@contextmanager
def _demo_opd(settings: Settings) -> Iterator[dict[str, str]]:
    """The demo OPD in the place of every source that is not configured: databases made once for each version of it,
    upload files once, the API server as a child for the length of the context. Gives their variables.
    """
    given = demo_given(settings, os.environ)
    database_url = EmbeddedServer(settings.home).urls.libpq("postgres")
    done = settings.home / "demo"
    done.mkdir(exist_ok=True)
    marker, version = done / "databases", _demo_version(settings.project)
    if not marker.exists() or marker.read_text("ascii") != version:
        _demo("seed", "--database-url", database_url, project=settings.project)
        marker.write_text(version, "ascii")
    zone = upload_zone(settings)
    # The demo's made-up files have no business on another machine.
    listed = samples.hash_list(settings.home)
    if isinstance(zone, Path) and not listed.exists():
        _put_demo_files(settings, zone, listed)
    elif listed.exists() and not listed.stat().st_size:
        # A home of an earlier version has the files and no list of them.
        with tempfile.TemporaryDirectory() as aside:
            _put_demo_files(settings, Path(aside), listed)
    port = _free_port()
    with _demo_api(settings.project, port, done / "api.log"):
        printed = _demo(
            "env", "--database-url", database_url, "--api-port", str(port), project=settings.project
        )
        values = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
        found = {name: value for name, value in values.items() if name in given}
        yield {**found, samples.SOURCES: ",".join(found)}


def _put_demo_files(settings: Settings, zone: Path, listed: Path) -> None:
    """Writes the demo's uploads below `zone`, and into `listed` the SHA-256 of each."""
    written = _demo("files", "--zone", str(zone), project=settings.project).splitlines()
    hashes = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in written]
    listed.write_text("\n".join(hashes) + "\n", "ascii")


def _demo_version(project: Path) -> str:
    """What the demo's code is: a home that an earlier one was seeded in gets the tables of this one."""
    digest = hashlib.sha256()
    for path in sorted((project / "demo").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _demo(*arguments: str, project: Path) -> str:
    command = [sys.executable, "-m", "demo", *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise GudangError(
            "demo OPD", f"`python -m demo {arguments[0]}` failed: {last}", hint="`gudang reset`, try again"
        )
    return done.stdout


@contextmanager
def _demo_api(project: Path, port: int, log: Path) -> Iterator[None]:
    with log.open("w") as output:
        api = subprocess.Popen(
            [sys.executable, "-m", "demo", "api", "--port", str(port)],
            cwd=project, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=die_with_parent(signal.SIGTERM),
        )  # fmt: skip
    try:
        _wait_for_port(api, port, log)
        yield
    finally:
        end(api, signal.SIGTERM)


def _wait_for_port(api: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _API_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError as error:
            if api.poll() is not None or time.monotonic() > deadline:
                raise GudangError("demo OPD", "its API server did not start", hint=f"see {log}") from error
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end(process: subprocess.Popen[bytes], first: signal.Signals, patience: float = 30.0) -> int:
    """Asks a child of ours to end by `first`, and kills it when it doesn't within `patience` seconds."""
    if process.poll() is None:
        process.send_signal(first)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def end_session(leader: int) -> None:
    """Kills what is left of a session when the child of ours that led it has ended. A load that this ends is as if it
    had not been.
    """
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """For a child's start: it gets `number` when this process is gone, even by kill -9. Linux only, else None."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, int(number))
