"""deploy/nginx/gudang-loket.conf in a real nginx, in front of the real upload page."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from pipelines.settings import PROJECT_ROOT
from tests.support.loket import POOR, VISITS, Office
from tests.support.nginx import issue_certificate, nginx_config, require_nginx, write_passwords
from tests.support.servers import free_ports, process, short_folder, wait_for_port, wait_until

RINA, BUDI, TONO = ("rina", "sandi-rina"), ("budi", "sandi-budi"), ("tono", "sandi-tono")
"""Two OPD, and somebody with a password whom the file of users does not know."""


class Behind:
    """The page behind nginx."""

    def __init__(self, url: str, authority: Path, folder: Path, office: Office) -> None:
        self.url, self.authority, self.folder, self.office = url, authority, folder, office

    def ask(
        self, method: str, path: str, user: tuple[str, str] | None = None, **more: Any
    ) -> requests.Response:
        return requests.request(
            method,
            self.url + path,
            auth=user,
            verify=str(self.authority),
            allow_redirects=False,
            timeout=60,
            **more,
        )


@pytest.fixture(scope="module")
def site(module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    nginx = require_nginx()
    office = Office(module_warehouse_url, tmp_path_factory.mktemp("kantor"))
    with short_folder() as folder, ExitStack() as stack:
        page = stack.enter_context(office.behind_a_proxy())
        port, plain = free_ports(2)
        text = (PROJECT_ROOT / "deploy/nginx/gudang-loket.conf").read_text("utf-8")
        for old, new in (
            ("return 301 https://loket.example.go.id", f"return 301 https://localhost:{port}"),
            ("loket.example.go.id", "localhost"),
            ("    listen [::]:80;\n", ""),
            ("    listen [::]:443 ssl http2;\n", ""),
            ("listen 80;", f"listen 127.0.0.1:{plain};"),
            ("listen 443 ", f"listen 127.0.0.1:{port} "),
            ("127.0.0.1:3002", f"127.0.0.1:{page.port}"),
            ("/etc/nginx/", f"{folder}/"),
            ("/etc/ssl/gudang/", f"{folder}/"),
            ("/var/log/nginx/", f"{folder}/"),
        ):
            assert old in text, f"gudang-loket.conf has no {old!r}"
            text = text.replace(old, new)
        authority = issue_certificate(folder)
        write_passwords(folder / "gudang-loket.htpasswd", (RINA, BUDI, TONO))
        log = folder / "nginx.log"
        child = stack.enter_context(
            process([nginx, "-c", str(nginx_config(folder, text))], PROJECT_ROOT, log, {})
        )
        stack.callback(child.terminate)
        wait_for_port(port, child, log)
        yield Behind(f"https://localhost:{port}", authority, folder, office)
    office.loads.connection.close()


def test_who_has_no_password_or_is_not_listed_sees_nothing(site: Behind) -> None:
    assert site.ask("GET", "/").status_code == 401
    assert site.ask("GET", "/", ("rina", "salah")).status_code == 401
    assert site.ask("GET", "/", TONO).status_code == 401


def test_a_name_that_the_request_claims_counts_nothing(site: Behind) -> None:
    for forged in ({"X-Forwarded-User": "rina"}, {"X_Forwarded_User": "rina"}):
        assert site.ask("GET", f"/dataset/{VISITS}", BUDI, headers=forged).status_code == 404
        assert site.ask("GET", f"/dataset/{POOR}", BUDI, headers=forged).status_code == 200
        assert site.ask("GET", "/", headers=forged).status_code == 401


def test_a_file_comes_through_with_the_name_of_the_log_in(site: Behind) -> None:
    form = {"files": {"berkas": ("a.csv", "nomor,Jenis Kelamin,tanggal\n1,L,\n")}, "data": {"aksi": "kirim"}}
    own = {"Origin": site.url, "X-Forwarded-User": "wati"}
    answer = site.ask("POST", f"/dataset/{VISITS}", RINA, headers=own, **form)
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/dataset/")
    assert site.office.uploaders() == [(VISITS, "a.csv", "rina")]
    other = {"Origin": "https://jahat.example", "Sec-Fetch-Site": "cross-site"}
    assert site.ask("POST", f"/dataset/{VISITS}", RINA, headers=other, **form).status_code == 403


def test_a_part_that_breaks_off_is_kept_as_far_as_it_came(site: Behind) -> None:
    query = {"nama": "b.csv", "ukuran": "50"}
    begun = site.ask("POST", f"/dataset/{VISITS}/bagian", RINA, params=query)
    assert begun.status_code == 201
    place, port = begun.headers["Location"], urlsplit(site.url).port
    log_in = base64.b64encode(":".join(RINA).encode()).decode()
    head = f"PATCH {place} HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Basic {log_in}\r\n"
    trusted = ssl.create_default_context(cafile=str(site.authority))
    with (
        socket.create_connection(("localhost", port)) as plain,
        trusted.wrap_socket(plain, server_hostname="localhost") as opened,
    ):
        opened.sendall(f"{head}Upload-Offset: 0\r\nContent-Length: 50\r\n\r\n".encode() + b"x" * 20)
        wait_until(
            "20 bytes have come",
            lambda: site.ask("HEAD", place, RINA).headers.get("Upload-Offset") == "20",
        )
    rest = {"data": b"x" * 30, "headers": {"Upload-Offset": "20"}}
    wait_until("the rest is taken", lambda: site.ask("PATCH", place, RINA, **rest).status_code == 204)


def test_the_log_has_no_password_and_no_name_of_a_failed_log_in(site: Behind) -> None:
    site.ask("GET", "/?rahasia=1", ("rahasia-di-nama", "x"))
    log = (site.folder / "gudang-loket.access.log").read_text()
    assert " rina " in log and "rahasia" not in log and "sandi" not in log
