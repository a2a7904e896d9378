"""A real nginx with a delivered configuration, a certificate for localhost, and passwords."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import trustme


def nginx_config(folder: Path, site: str) -> Path:
    (folder / "site.conf").write_text(site, "utf-8")
    temporary = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/start.log; worker_processes 1; events {{}}\n"
        f"http {{ {temporary} include {folder}/site.conf; }}\n",
        "utf-8",
    )
    return path


def require_nginx() -> str:
    """The path of nginx. Skips the test where it or htpasswd is missing; in CI fails instead."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    found = {name: shutil.which(name, path=path) for name in ("nginx", "htpasswd")}
    missing = [name for name, program in found.items() if program is None]
    if missing:
        reason = f"not installed: {', '.join(missing)} (on Debian: apt install nginx apache2-utils)"
        if os.environ.get("CI"):
            pytest.fail(f"in CI the proxy must run; {reason}", pytrace=False)
        pytest.skip(reason)
    return str(found["nginx"])


def issue_certificate(folder: Path) -> Path:
    """Writes a certificate for localhost as nginx reads it, and gives the path of its authority's."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "privkey.pem"))
    for number, pem in enumerate(certificate.cert_chain_pems):
        pem.write_to_path(str(folder / "fullchain.pem"), append=number > 0)
    return folder / "ca.pem"


def write_passwords(path: Path, people: Iterable[tuple[str, str]]) -> None:
    """Writes the names and passwords as htpasswd does."""
    for number, (name, password) in enumerate(people):
        subprocess.run(
            ["htpasswd", "-iB", *(["-c"] if number == 0 else []), path, name],
            input=password.encode(), capture_output=True, check=True,
        )  # fmt: skip
