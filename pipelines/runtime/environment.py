"""Prepares the environment of a command: server, keys, DAGSTER_HOME, and the demo OPD for unconfigured sources.

What belongs here: starting what a command needs, and setting its variables. Not here: their names and
defaults (settings.py), the server itself (embedded.py), the demo OPD (demo.py). A variable of the environment wins over
the project's `.env`, and both win over the values that are made here.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pipelines.errors import GudangError
from pipelines.extract.upload.zone import upload_zone
from pipelines.runtime.demo import demo_variables, run_demo_opd
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.runtime.home import make_home, private_folder
from pipelines.settings import PSEUDONYM_KEY, Settings, load_settings

WAREHOUSE_URL = "GUDANG_WAREHOUSE_URL"
DAGSTER_URL = "GUDANG_DAGSTER_URL"
_EVENT_BATCHES = {"DAGSTER_EVENT_BATCH_SIZE": "100", "DAGSTER_EMIT_PLANNED_EVENTS_INDIVIDUALLY": "1"}
"""Dagster writes the materialisations of a range of partitions together. Planned events are written one by one in any
case; a batch of them that fails half-way would be written twice (adr/035)."""
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


def current_settings() -> Settings:
    """The settings of this process. The project's `.env` is read into the environment first.

    Raises GudangError if there is no project.
    """
    for name, value in read_dotenv(load_settings().project / ".env").items():
        os.environ.setdefault(name, value)
    settings = load_settings()
    # Installed as a wheel, the package lies in no project.
    if not settings.contracts_dir.is_dir():
        raise GudangError(
            str(settings.project),
            "di sini tidak ada contracts/, jadi ini bukan proyek",
            hint="isi GUDANG_PROJECT dengan folder proyek: contracts/, expectations/, dbt_like_sql/, dan deploy/",
        )
    return settings


def warehouse_url() -> str:
    """The warehouse's SQLAlchemy URL. If the embedded server is the warehouse and is down, it is started."""
    settings = current_settings()
    url = settings.warehouse_url
    return _checked(WAREHOUSE_URL, url) if url else EmbeddedServer(settings.home).ensure().warehouse


def read_dotenv(path: Path) -> dict[str, str]:
    """Reads the NAME=value lines of `path`; {} if there is no such file.

    Comments with #, `export`, and quotes around a value are allowed. Raises GudangError, which names the line, for any
    other line.
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
                f"{path.name}:{number}", "baris ini bukan NAMA=nilai", hint="perbaiki, atau awali dengan #"
            )
        values[match.group(1)] = _unquote(match.group(2))
    return values


@contextmanager
def prepare_environment(
    settings: Settings, *, demo: bool = True, command: str | None = None
) -> Iterator[dict[str, str]]:
    """Starts what a command needs, and sets its variables in `os.environ` while the context lasts.

    Yields the variables that were added. The embedded server stays up afterwards (`gudang stop` stops it), but the demo
    OPD's API server ends. Call `load_settings()` inside the context to see the warehouse's URL.

    command: if given, a lease is held under this name, so that `gudang stop` knows of the command.
    """
    make_home(settings.home)
    close_zone(settings)
    with ExitStack() as stack:
        added = stack.enter_context(_environ(warehouse_environment(settings)))
        if command:
            from pipelines.runtime.lease import hold

            stack.enter_context(hold(added[DAGSTER_URL], f"gudang {command}, pid {os.getpid()}"))
        if demo and demo_variables(settings, os.environ):
            added |= stack.enter_context(_environ(stack.enter_context(run_demo_opd(settings))))
        yield added


def close_zone(settings: Settings) -> None:
    """Makes the upload zone in our home if it is missing, and takes the rights on it from other users.

    A zone that GUDANG_UPLOAD_ZONE names keeps its modes, because sshd demands special ones.
    """
    if upload_zone(settings) == settings.home / "unggahan":
        private_folder(settings.home / "unggahan")


def warehouse_environment(settings: Settings) -> dict[str, str]:
    """Gives the variables for URLs, key and DAGSTER_HOME. Starts the embedded server unless a warehouse is configured.

    Raises GudangError, which names the variable, if one is missing for an external warehouse, or is no URL; also if
    Dagster's database can't be reached or can't be kept in UTC.
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
        **_EVENT_BATCHES,
    }


_DAGSTER_HINT = (
    "isi dengan postgresql+psycopg2://pengguna:sandi@host/dagster, basis data tersendiri untuk Dagster"
)
_KEY_HINT = "buat dengan `openssl rand -hex 32` dan simpan baik-baik: tanpa kunci itu pseudonim orang yang sama berubah"


def _required(name: str, hint: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise GudangError(
            WAREHOUSE_URL, f"dengan gudang data di server sendiri, {name} wajib diisi", hint=hint
        )
    return value


def _checked(name: str, url: str) -> str:
    """Gives `url` if it names a PostgreSQL database, else raises GudangError.

    The message never repeats the URL, because a mistyped one may show its password.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    from pipelines.redaction.database_urls import PASSWORD_HINT, has_unescaped

    hint = f"postgresql://pengguna:sandi@host:5432/basisdata; {PASSWORD_HINT}"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise GudangError(name, "nilainya bukan URL basis data", hint=hint) from None
    if has_unescaped(url):
        raise GudangError(name, "nama pengguna atau sandinya memuat @ atau spasi apa adanya", hint=hint)
    if not parsed.drivername.startswith("postgresql") or not parsed.database:
        raise GudangError(name, "nilainya bukan URL basis data PostgreSQL", hint=hint)
    return url


def _with_driver(url: str, driver: str) -> str:
    """Adds the driver to a URL that names none: SQLAlchemy 2.1 would take psycopg 3, but Dagster needs psycopg2."""
    return re.sub(r"^postgres(ql)?://", f"postgresql+{driver}://", url)


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return re.split(r"\s+#", value, maxsplit=1)[0].rstrip()


@contextmanager
def _environ(values: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Sets the variables while the context lasts."""
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
    """Makes DAGSTER_HOME and its dagster.yaml. In our own home the file follows deploy/; elsewhere it is made once."""
    folder = settings.dagster_home.resolve()
    ours = folder.parent == settings.home
    if ours:
        private_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "dagster.yaml"
    template = settings.project / "deploy" / "dagster.yaml"
    if not template.is_file():
        raise GudangError(
            str(template), "berkas ini tidak ada", hint="GUDANG_PROJECT harus folder proyek yang lengkap"
        )
    wanted = template.read_text("utf-8")
    if not config.exists() or (ours and config.read_text("utf-8") != wanted):
        config.write_text(wanted, "utf-8")
    return folder


def _demo_key(path: Path) -> str:
    """The pseudonym key of this home, made at first and kept in `path`."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii").strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return path.read_text("ascii").strip()
