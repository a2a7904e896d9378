"""Opens the upload zone: a local folder, or SFTP or S3 on another machine by URL, through fsspec.

What belongs here: where the zone is, its credentials, failures of the other machine as our errors. Not here: what
is in the zone (inbox.py), putting and opening files (files.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from fsspec import get_filesystem_class
from upath import UPath

from pipelines.errors import ContractError, GudangError, SourceError
from pipelines.settings import Settings

Zone = Path | UPath
"""A local folder is a pathlib.Path; a UPath is on another machine."""

SUBJECT = "zona unggah"
PASSWORD, KEY_FILE, KNOWN_HOSTS = (
    "GUDANG_UPLOAD_ZONE_PASSWORD",
    "GUDANG_UPLOAD_ZONE_KEY",
    "GUDANG_UPLOAD_ZONE_KNOWN_HOSTS",
)
PACKAGES: Mapping[str, str] = MappingProxyType({"sftp": "sshfs", "s3": "s3fs"})
"""The optional package that each kind of zone needs."""
CALL_S = 60
"""Seconds that one call to the zone may take, other than a copy."""
COPY_S = 3_600
"""Seconds that the copy of one file may take."""
SILENCE_S = 15
"""An SFTP server that does not answer for this many seconds is treated as gone."""


def upload_zone(settings: Settings) -> Zone:
    """Returns the zone of this installation: GUDANG_UPLOAD_ZONE, or else a folder in its home.

    Raises ContractError as `remote_zone` does.
    """
    place = os.environ.get("GUDANG_UPLOAD_ZONE") or str(settings.home / "unggahan")
    return remote_zone(place, os.environ) if "://" in place else Path(place)


def remote_zone(
    url: str,
    env: Mapping[str, str],
    *,
    silence_s: float = SILENCE_S,
    packages: Mapping[str, str] = PACKAGES,
) -> UPath:
    """Returns the zone at sftp://user@host[:port]/folder or s3://bucket/prefix. It connects when it is first used.

    env: has the credentials of SFTP. Those of S3, and its endpoint, are read from the environment of the process by the
    AWS client (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ...). silence_s: see SILENCE_S.
    Raises ContractError for another kind of URL, a password in it, or a missing package.
    """
    parts = urlsplit(url)
    if parts.password is not None:
        hint = f"isi {PASSWORD}, dan tulis URL tanpa kata sandi"
        raise ContractError(SUBJECT, "URL-nya memuat kata sandi", hint=hint, code="GDK-K023")
    if parts.scheme not in ("sftp", "s3") or not parts.hostname:
        hint = "isi dengan folder, sftp://user@host/folder, atau s3://bucket/prefix"
        raise ContractError(
            SUBJECT, "jenis zona di GUDANG_UPLOAD_ZONE tidak dikenal", hint=hint, code="GDK-K023"
        )
    package = packages[parts.scheme]
    if find_spec(package) is None:
        hint = f"pip install {package}"
        raise ContractError(SUBJECT, f"{parts.scheme} memerlukan paket {package}", hint=hint, code="GDK-K023")
    options: dict[str, Any] = {"use_listings_cache": False}
    if parts.scheme == "sftp":
        options = _sftp_options(env, silence_s)
    return UPath(url, **options)


@contextmanager
def on_zone(subject: str, path: UPath, failed: str) -> Iterator[None]:
    """Turns a failure on the other machine into a SourceError whose message begins with `failed`.

    The other machine's own text is left out: it may contain accounts and keys.
    Connections are kept between calls. After a failure the next call makes new ones.
    """
    fault: SourceError | None = None
    try:
        yield
    except GudangError:
        raise
    except FileNotFoundError:
        fault = SourceError(
            subject,
            f"{failed}: berkas sudah tidak ada",
            hint="pemeriksaan berikutnya memakai berkas yang ada saat itu",
            transient=True,
            code="GDK-F002",
        )
    except Exception as error:  # each library has its own exceptions
        fault = _fault(subject, failed, error)
    if fault is not None:
        get_filesystem_class(path.protocol).clear_instance_cache()
        raise fault from None


def _fault(subject: str, failed: str, error: Exception) -> SourceError:
    name = type(error).__name__
    if name == "HostKeyNotVerifiable":
        hint = f"cocokkan kuncinya dengan pemilik server, lalu tulis ke berkas {KNOWN_HOSTS}"
        return SourceError(subject, f"{failed}: kunci server tidak dikenal", hint=hint, code="GDK-F019")
    if isinstance(error, PermissionError) or name in ("NoCredentialsError", "SFTPPermissionDenied"):
        hint = "periksa akun, kunci, dan hak akses; lihat docs/configuration.md"
        return SourceError(subject, f"{failed}: ditolak", hint=hint, code="GDK-F019")
    message = f"{failed}: zona unggah tidak menjawab sebagaimana mestinya ({name})"
    hint = "coba lagi; bila tetap begitu, hubungi pengelola servernya"
    return SourceError(subject, message, hint=hint, transient=True, code="GDK-F019")


def _sftp_options(env: Mapping[str, str], silence_s: float) -> dict[str, Any]:
    """Returns the options of asyncssh.

    If known_hosts is (), asyncssh checks the server's key against ~/.ssh/known_hosts. The default of sshfs is None,
    which turns the check off.
    """
    options: dict[str, Any] = {
        "known_hosts": env.get(KNOWN_HOSTS) or (),
        "connect_timeout": silence_s,
        "login_timeout": silence_s,
        "keepalive_interval": silence_s,
        "keepalive_count_max": 2,
        # Without this, one name that is not UTF-8 would make the listing of its folder fail.
        "sftp_client_kwargs": {"path_encoding": "utf-8", "path_errors": "surrogateescape"},
    }
    if env.get(PASSWORD):
        options["password"] = env[PASSWORD]
    if env.get(KEY_FILE):
        options["client_keys"] = [env[KEY_FILE]]
    return options
