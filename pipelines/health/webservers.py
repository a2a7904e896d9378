"""The checks of Dagster's web pages: whether each webserver answers, asked by HTTP as a browser would.

Not here: where they are (settings.py `webservers`), log-in and TLS, which are the proxy's.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException

from pipelines.disk import os_reason
from pipelines.health.check import Check
from pipelines.health.limits import CRITICAL
from pipelines.health.place import Place
from pipelines.numbers import short

_PATH = "/server_info"
"""Gives Dagster's versions, asks no database, and needs no code location."""
_MARK = b"dagster_webserver_version"
_MOST_BYTES = 10_000


def webservers(place: Place) -> Iterator[Check]:
    """A check for each webserver of the installation; none where none is named."""
    limit = place.limits.web_seconds
    for number, url in enumerate(place.settings.webservers, start=1):
        begun = time.monotonic()
        fault = _ask(url, limit.critical)
        seconds = time.monotonic() - begun
        yield Check(
            "halaman_web" if number == 1 else f"halaman_web_{number}",
            CRITICAL if fault else limit.state(seconds),
            f"{url} tidak menjawab: {fault}" if fault else f"{url} menjawab dalam {short(seconds)} detik",
            "jalankan ulang webserver ini, dan lihat catatannya; pemuatan dan malam tidak memerlukannya",
            round(seconds, 1),
            "seconds",
        )


def _ask(url: str, patience: float) -> str:
    """Why the webserver did not answer as it should, in Indonesian; "" if it did."""
    # Never through a proxy of the environment: the address is one of this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}{_PATH}", timeout=patience) as answer:
            body = answer.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        return f"kode HTTP {error.code}"
    except TimeoutError:
        return f"tidak ada jawaban dalam {short(patience)} detik"
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            return f"tidak ada jawaban dalam {short(patience)} detik"
        return os_reason(error.reason) if isinstance(error.reason, OSError) else "alamatnya tidak dikenal"
    except (OSError, HTTPException) as error:
        return os_reason(error)
    return "" if _MARK in body else "yang menjawab bukan Dagster"
