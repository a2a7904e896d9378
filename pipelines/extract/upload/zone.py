"""An upload zone on another machine: SFTP or S3 by URL, through fsspec.

What belongs here: the URL, credentials from the environment, and what went wrong there as errors of ours. Not here:
what is in the zone (files.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fsspec import get_filesystem_class
from upath import UPath

from pipelines.errors import ContractError, GudangError, SourceError
from pipelines.settings import Settings

Zone = Path | UPath
"""A local folder is a pathlib.Path; everything else is another machine."""

SUBJECT = "upload zone"
PASSWORD, KEY_FILE, KNOWN_HOSTS = (
    "GUDANG_UPLOAD_ZONE_PASSWORD",
    "GUDANG_UPLOAD_ZONE_KEY",
    "GUDANG_UPLOAD_ZONE_KNOWN_HOSTS",
)
_PACKAGES = {"sftp": "sshfs", "s3": "s3fs"}
CALL_S = 60
"""Seconds that one question to the zone may take; a copy has COPY_S."""
COPY_S = 3_600
_SILENCE_S = 15


def upload_zone(settings: Settings) -> Zone:
    """The zone of this installation: GUDANG_UPLOAD_ZONE, else a folder in its home.

    Raises ContractError for a URL that is neither sftp:// nor s3://.
    """
    place = os.environ.get("GUDANG_UPLOAD_ZONE") or str(settings.home / "unggahan")
    return remote_zone(place, os.environ) if "://" in place else Path(place)


def remote_zone(url: str, env: Mapping[str, str]) -> UPath:
    """The zone at sftp://user@host[:port]/folder or s3://bucket/prefix; connects when it is first used.

    S3's credentials and endpoint are those that every AWS client reads (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ...).
    Raises ContractError for another kind of URL, a password in it, or a missing package.
    """
    parts = urlsplit(url)
    if parts.password is not None:
        raise ContractError(
            SUBJECT, "its URL holds a password", hint=f"set {PASSWORD}, and the URL without it"
        )
    if parts.scheme not in ("sftp", "s3") or not parts.hostname:
        hint = "a folder, sftp://user@host/folder or s3://bucket/prefix"
        raise ContractError(SUBJECT, "GUDANG_UPLOAD_ZONE is no zone that is known", hint=hint)
    package = _PACKAGES[parts.scheme]
    if find_spec(package) is None:
        hint = f"pip install {package}"
        raise ContractError(SUBJECT, f"{parts.scheme} needs the package {package}", hint=hint)
    options: dict[str, Any] = {"use_listings_cache": False}
    if parts.scheme == "sftp":
        options = _sftp_options(env)
    return UPath(url, **options)


@contextmanager
def on_zone(subject: str, path: UPath, doing: str) -> Iterator[None]:
    """What goes wrong on the other machine, as a SourceError without its words: they may hold accounts and keys.

    Connections are kept between calls; after a failure the next call makes new ones.
    """
    fault: SourceError | None = None
    try:
        yield
    except GudangError:
        raise
    except FileNotFoundError:
        fault = SourceError(
            subject, f"{doing}: it is gone", hint="the next look finds what came", transient=True
        )
    except Exception as error:  # every library has a family of its own
        fault = _fault(subject, doing, error)
    if fault is not None:
        get_filesystem_class(path.protocol).clear_instance_cache()
        raise fault from None


def _fault(subject: str, doing: str, error: Exception) -> SourceError:
    name = type(error).__name__
    if name == "HostKeyNotVerifiable":
        hint = f"compare its key with the owner's and put it into the file of {KNOWN_HOSTS}"
        return SourceError(subject, f"{doing}: the server's key is not a known one", hint=hint)
    if isinstance(error, PermissionError) or name in ("NoCredentialsError", "SFTPPermissionDenied"):
        return SourceError(
            subject, f"{doing}: refused", hint="check account, key and rights; docs/configuration.md"
        )
    message = f"{doing}: the upload zone does not answer as it should ({name})"
    return SourceError(subject, message, hint="try again; if it stays, ask who runs it", transient=True)


def _sftp_options(env: Mapping[str, str]) -> dict[str, Any]:
    """For asyncssh. Its own default, () instead of sshfs's None, checks the server's key by known_hosts."""
    options: dict[str, Any] = {
        "known_hosts": env.get(KNOWN_HOSTS) or (),
        "connect_timeout": _SILENCE_S,
        "login_timeout": _SILENCE_S,
        "keepalive_interval": _SILENCE_S,
        "keepalive_count_max": 2,
        # A name of bytes that are no UTF-8 would keep its whole folder from being listed.
        "sftp_client_kwargs": {"path_encoding": "utf-8", "path_errors": "surrogateescape"},
    }
    if env.get(PASSWORD):
        options["password"] = env[PASSWORD]
    if env.get(KEY_FILE):
        options["client_keys"] = [env[KEY_FILE]]
    return options
