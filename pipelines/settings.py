"""Folders, URLs and keys of an installation: from the environment, with defaults for the embedded server.

What belongs here: names and defaults of environment variables. Not here: starting servers (runtime/embedded.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pipelines.errors import ContractError, GudangError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PSEUDONYM_KEY = "GUDANG_PSEUDONYM_KEY"
PUBLICATION_URL = "GUDANG_PUBLICATION_URL"
DICTIONARY_URL = "GUDANG_DICTIONARY_URL"
WEBSERVERS = "GUDANG_WEBSERVERS"
_REFERENCE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where one installation keeps its project, its state and its warehouse.

    home: state of the installation (embedded server, upload zone, publications, Dagster's logs).
    project: the folder that holds contracts/, expectations/ and dbt_like_sql/.
    warehouse_url: SQLAlchemy URL of the warehouse, or None for the embedded server.
    """

    home: Path
    project: Path
    warehouse_url: str | None

    @property
    def contracts_dir(self) -> Path:
        """The folder of the contracts."""
        return self.project / "contracts"

    @property
    def expectations_dir(self) -> Path:
        """The folder of the suites."""
        return self.project / "expectations"

    @property
    def models_dir(self) -> Path:
        """The folder of the SQL models."""
        return self.project / "dbt_like_sql"

    @property
    def publication_dir(self) -> Path:
        """The folder that publications are written to."""
        return Path(os.environ.get("GUDANG_PUBLICATION_DIR", self.home / "publikasi"))

    @property
    def publication_url(self) -> str | None:
        """Where the public finds the folder of publications, without a last slash; None if nobody serves it.

        Raises GudangError if it is no address.
        """
        url = os.environ.get(PUBLICATION_URL, "").strip().rstrip("/")
        if url and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
            raise GudangError(
                PUBLICATION_URL, "nilainya bukan alamat web", hint="tulis https://data.contoh.go.id/terbuka"
            )
        return url or None

    @property
    def dictionary_dir(self) -> Path:
        """The folder that the data dictionary is written to."""
        return Path(os.environ.get("GUDANG_DICTIONARY_DIR") or self.home / "kamus-data")

    @property
    def dictionary_url(self) -> str | None:
        """Where browsers find the data dictionary, without a last slash; None if nobody serves it.

        A path without a host, as `/kamus`, is one at the address of Dagster's own pages.
        """
        return os.environ.get(DICTIONARY_URL, "").strip().rstrip("/") or None

    @property
    def code_url(self) -> str | None:
        """Where browsers find the project's files, without a last slash; None if nowhere."""
        return os.environ.get("GUDANG_CODE_URL", "").strip().rstrip("/") or None

    @property
    def webservers(self) -> tuple[str, ...]:
        """Where this machine finds the webservers of Dagster, without a last slash; `gudang health` asks each.

        Raises GudangError if one is no address.
        """
        urls = tuple(u.strip().rstrip("/") for u in os.environ.get(WEBSERVERS, "").split(",") if u.strip())
        if not all(re.fullmatch(r"https?://[^\s/]+", url) for url in urls):
            raise GudangError(
                WEBSERVERS, "nilainya bukan alamat web", hint="tulis http://127.0.0.1:3000, dipisah koma"
            )
        return urls

    @property
    def dagster_home(self) -> Path:
        """The folder of Dagster's own state."""
        return Path(os.environ.get("DAGSTER_HOME", self.home / "dagster"))


def load_settings(env: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `env`: GUDANG_HOME, GUDANG_PROJECT and GUDANG_WAREHOUSE_URL."""
    project = Path(env.get("GUDANG_PROJECT", PROJECT_ROOT)).resolve()
    home = Path(env.get("GUDANG_HOME", project / ".gudang")).resolve()
    return Settings(home=home, project=project, warehouse_url=env.get("GUDANG_WAREHOUSE_URL") or None)


def references(text: str) -> tuple[str, ...]:
    """The names of the environment variables that `text` mentions as ${NAME}."""
    return tuple(_REFERENCE.findall(text))


def resolve(subject: str, text: str, env: Mapping[str, str] = os.environ) -> str:
    """`text` with every ${NAME} replaced from `env`. Raises ContractError naming the variable that is missing."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if not env.get(name):
            raise ContractError(
                subject,
                f"variabel lingkungan {name} belum diisi",
                hint=f"isi {name} di .env",
                code="GDK-K019",
            )
        return env[name]

    return _REFERENCE.sub(value, text)


WHEN = ("always", "on_error", "on_error_or_changed")
"""When the digest of a night is sent: every night, if something is wrong, or also if something is over."""
FEEDBACK_MAIL = ("never", "on_error", "on_change", "always")
"""When an OPD gets a mail about a load of its data: never, if there are findings, if they changed, or each time."""
MAIL_SECURITY: Mapping[str, int] = MappingProxyType({"starttls": 587, "ssl": 465, "tanpa": 25})
"""How a session with the mail server is encrypted, and the usual port."""
TELEGRAM_URL = "https://api.telegram.org"
_YES, _NO = ("ya", "1"), ("tidak", "0", "")
_ADDRESS = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+")


@dataclass(frozen=True, slots=True)
class MailServer:
    """The server that takes mails over. security: a key of MAIL_SECURITY."""

    host: str
    port: int
    security: str
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """To whom and how operators are told of what is wrong; see docs/configuration.md.

    when: one of WHEN. ui_url: base URL of Dagster's pages, for links to runs. to: mail addresses of the walidata.
    to_opd: whether an OPD gets mails about its own datasets. timeout: seconds that one delivery may take.
    feedback: when an OPD gets a mail about a load of its data, one of FEEDBACK_MAIL.
    """

    when: str = "on_error"
    ui_url: str | None = None
    mail: MailServer | None = None
    to: tuple[str, ...] = ()
    to_opd: bool = False
    webhook_url: str | None = field(default=None, repr=False)
    webhook_token: str | None = field(default=None, repr=False)
    telegram_url: str = TELEGRAM_URL
    telegram_token: str | None = field(default=None, repr=False)
    telegram_chat: str | None = None
    timeout: float = 20.0
    feedback: str = "never"


def load_alert_settings(env: Mapping[str, str] = os.environ) -> AlertSettings:
    """The settings GUDANG_ALERT_* and GUDANG_FEEDBACK_MAIL of `env`.

    Raises GudangError, which names the variable that is not usable.
    """

    def text(name: str) -> str | None:
        return env.get(f"GUDANG_ALERT_{name}", "").strip() or None

    def url(name: str) -> str | None:
        value = text(name)
        if value and not re.match(r"https?://[^\s/]+", value):
            raise _unusable(name, "nilainya bukan URL", "tulis https://...")
        return value.rstrip("/") if value else None

    when, to_opd = text("WHEN") or "on_error", (text("OPD") or "").lower()
    if when not in WHEN:
        raise _unusable("WHEN", "nilainya tidak dikenal", f"salah satu dari {', '.join(WHEN)}")
    if to_opd not in (*_YES, *_NO):
        raise _unusable("OPD", "nilainya tidak dikenal", "ya atau tidak")
    to = tuple(part.strip() for part in re.split(r"[,;]", text("MAIL_TO") or "") if part.strip())
    mail = _mail_server(text)
    if wrong := [place for place, address in enumerate(to, 1) if not _ADDRESS.fullmatch(address)]:
        raise _unusable("MAIL_TO", f"bagian ke-{wrong[0]} bukan alamat surel", "pisahkan dengan koma")
    feedback = env.get("GUDANG_FEEDBACK_MAIL", "").strip() or "never"
    if feedback not in FEEDBACK_MAIL:
        hint = f"salah satu dari {', '.join(FEEDBACK_MAIL)}"
        raise GudangError("GUDANG_FEEDBACK_MAIL", "nilainya tidak dikenal", hint=hint)
    if mail is None and (to or to_opd in _YES or feedback != "never"):
        raise _unusable("MAIL_HOST", "belum diisi, padahal ada yang dikirimi surel", "isi nama server surel")
    if bool(text("TELEGRAM_TOKEN")) != bool(text("TELEGRAM_CHAT")):
        raise _unusable("TELEGRAM_TOKEN", "diisi bersama GUDANG_ALERT_TELEGRAM_CHAT, atau keduanya tidak")
    return AlertSettings(
        when=when,
        ui_url=url("UI_URL"),
        mail=mail,
        to=to,
        to_opd=to_opd in _YES,
        webhook_url=url("WEBHOOK_URL"),
        webhook_token=text("WEBHOOK_TOKEN"),
        telegram_url=url("TELEGRAM_URL") or TELEGRAM_URL,
        telegram_token=text("TELEGRAM_TOKEN"),
        telegram_chat=text("TELEGRAM_CHAT"),
        timeout=_number(text, "TIMEOUT", 20, 3600),
        feedback=feedback,
    )


def _number(text: Callable[[str], str | None], name: str, default: float, most: int) -> float:
    """A number above 0, at most `most`: beyond it no socket takes the value."""
    try:
        value = float(text(name) or default)
    except ValueError:
        value = 0
    if not 0 < value <= most:
        raise _unusable(name, f"nilainya bukan angka di atas 0 sampai {most}")
    return value


def _port(text: Callable[[str], str | None]) -> int | None:
    """The port of the mail server; None for the usual one."""
    value = _number(text, "MAIL_PORT", 1, 65_535)
    if not value.is_integer():
        raise _unusable("MAIL_PORT", "nilainya bukan bilangan bulat")
    return int(value) if text("MAIL_PORT") else None


def _mail_server(text: Callable[[str], str | None]) -> MailServer | None:
    """The mail server; None if none is set."""
    port = _port(text)
    host, sender, security = text("MAIL_HOST"), text("MAIL_FROM"), text("MAIL_SECURITY") or "starttls"
    if host is None:
        return None
    if security not in MAIL_SECURITY:
        raise _unusable(
            "MAIL_SECURITY", "nilainya tidak dikenal", f"salah satu dari {', '.join(MAIL_SECURITY)}"
        )
    if sender is None or not _ADDRESS.fullmatch(sender):
        raise _unusable("MAIL_FROM", "belum diisi dengan satu alamat surel", "alamat pengirim")
    user, password = text("MAIL_USER"), text("MAIL_PASSWORD")
    if user and security == "tanpa":
        raise _unusable(
            "MAIL_SECURITY", "tanpa enkripsi kata sandi terbaca di jaringan", "pakai starttls atau ssl"
        )
    return MailServer(host, port or MAIL_SECURITY[security], security, sender, user, password)


def _unusable(name: str, message: str, hint: str | None = None) -> GudangError:
    """An error that names the variable and never its value, which may be a secret."""
    return GudangError(f"GUDANG_ALERT_{name}", message, hint=hint)
