"""deploy/nginx/gudang.conf in a real nginx, in front of two real webservers of Dagster: what each role may, and no more."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests
import websocket
import yaml

from pipelines.settings import PROJECT_ROOT
from tests.support.nginx import issue_certificate, nginx_config, require_nginx, write_passwords
from tests.support.servers import free_ports, process, short_folder, wait_for_port

NGINX = PROJECT_ROOT / "deploy" / "nginx"
LOCATION = """
import dagster as dg

@dg.asset
def satu(): ...

@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
def dua(): ...

defs = dg.Definitions(assets=[satu, dua], jobs=[dg.define_asset_job("muat", [satu])])
"""
RINA, BUDI = ("rina", "kata-sandi-rina"), ("budi", "kata-sandi-budi")
"""An engineer and a reader."""
LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) { __typename ... on LaunchRunSuccess { run { id } } }
}"""
BACKFILL = """
mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) { __typename ... on LaunchBackfillSuccess { backfillId } }
}"""
REPOSITORY = {"repositoryLocationName": "lokasi", "repositoryName": "__repository__"}


@dataclass(frozen=True, slots=True)
class Site:
    """The site behind nginx."""

    url: str
    authority: str
    folder: Path
    instance: dg.DagsterInstance

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(
            method, self.url + path, verify=self.authority, allow_redirects=False, timeout=30, **options
        )

    def graphql(
        self,
        user: tuple[str, str] | None,
        query: str,
        *,
        headers: dict[str, str] | None = None,
        **variables: Any,
    ) -> requests.Response:
        """Sends a query as a page of the site does."""
        sent = {"Origin": self.url, **(headers or {})}
        return self.ask(
            "POST", "/graphql", auth=user, headers=sent, json={"query": query, "variables": variables}
        )

    def socket(self, user: tuple[str, str], origin: str | None) -> websocket.WebSocket:
        return websocket.create_connection(
            self.url.replace("https:", "wss:") + "/graphql",
            header=[f"Authorization: {requests.auth._basic_auth_str(*user)}"],
            origin=origin,
            suppress_origin=origin is None,
            subprotocols=["graphql-ws"],
            sslopt={"ca_certs": self.authority},
            timeout=30,
        )


def run_of(tags: dict[str, str]) -> dict[str, Any]:
    selector = {**REPOSITORY, "jobName": "muat"}
    listed = [{"key": key, "value": value} for key, value in tags.items()]
    return {"selector": selector, "mode": "default", "executionMetadata": {"tags": listed}}


def site_config(folder: Path, *, port: int, plain: int, engineers: int, readers: int) -> str:
    """The delivered configuration with the ports and paths of this test."""
    text = (NGINX / "gudang.conf").read_text("utf-8")
    for old, new in (
        ('"https://gudang.example.go.id"', f'"https://localhost:{port}"'),
        ("gudang.example.go.id", "localhost"),
        ("    listen [::]:80;\n", ""),
        ("    listen [::]:443 ssl http2;\n", ""),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ", f"listen 127.0.0.1:{port} "),
        ("127.0.0.1:3000", f"127.0.0.1:{engineers}"),
        ("127.0.0.1:3001", f"127.0.0.1:{readers}"),
        ("/etc/nginx/", f"{folder}/"),
        ("/etc/ssl/gudang/", f"{folder}/"),
        ("/var/log/nginx/", f"{folder}/"),
        ("/srv/gudang-kamus/", f"{folder}/kamus/"),
    ):
        assert old in text, f"gudang.conf has no {old!r}"
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def nginx() -> str:
    return require_nginx()


@pytest.fixture(scope="module")
def site(nginx: str) -> Iterator[Site]:
    with short_folder() as folder, ExitStack() as stack:
        port, plain, engineers, readers, code = free_ports(5)
        home = folder / "dagster"
        home.mkdir()
        settings = {
            "run_coordinator": {"module": "pipelines.runs.users", "class": "NamingRunCoordinator"},
            "telemetry": {"enabled": False},
        }
        (home / "dagster.yaml").write_text(yaml.safe_dump(settings), "utf-8")
        # Made here, so that two webservers do not make the same files at once.
        instance = stack.enter_context(dg.DagsterInstance.from_config(str(home)))
        assert instance.get_runs() == [] and list(instance.get_backfills()) == []
        (folder / "location.py").write_text(LOCATION, "utf-8")
        server = {"host": "127.0.0.1", "port": code, "location_name": "lokasi"}
        (folder / "workspace.yaml").write_text(
            yaml.safe_dump({"load_from": [{"grpc_server": server}]}), "utf-8"
        )

        issue_certificate(folder)
        write_passwords(folder / "gudang.htpasswd", (RINA, BUDI))
        (folder / "gudang.engineers").write_text('"~^rina$" gudang_engineers;\n', "utf-8")
        config = site_config(folder, port=port, plain=plain, engineers=engineers, readers=readers)

        env = {"DAGSTER_HOME": str(home)}
        webserver = [sys.executable, "-m", "pipelines.runs.webserver", "-w", str(folder / "workspace.yaml")]
        children = {
            code: [sys.executable, "-m", "dagster", "api", "grpc", "-f", str(folder / "location.py"),
                   "-h", "127.0.0.1", "-p", str(code)],
            engineers: [*webserver, "-h", "127.0.0.1", "-p", str(engineers)],
            readers: [*webserver, "-h", "127.0.0.1", "-p", str(readers), "--read-only"],
            port: [nginx, "-c", str(nginx_config(folder, config))],
        }  # fmt: skip
        running: dict[int, subprocess.Popen[bytes]] = {}
        # The webservers ask the code server as they start.
        for together in ([code], [engineers, readers], [port]):
            for number in together:
                log = folder / f"{number}.log"
                running[number] = stack.enter_context(process(children[number], PROJECT_ROOT, log, env))
            for number in together:
                wait_for_port(number, running[number], folder / f"{number}.log")
        stack.callback(lambda: [child.terminate() for child in running.values()])
        yield Site(f"https://localhost:{port}", str(folder / "ca.pem"), folder, instance)


def test_without_a_password_nothing_is_shown(site: Site) -> None:
    assert site.ask("GET", "/").status_code == 401
    assert site.ask("GET", "/server_info").status_code == 401
    assert site.graphql(None, "{ version }").status_code == 401
    assert site.graphql(("rina", "salah"), "{ version }").status_code == 401
    # A name that nginx knows in other letters, and a role that it does not.
    assert site.graphql(("RINA", RINA[1]), "{ version }").status_code == 401


def test_a_reader_reads_and_starts_nothing(site: Site) -> None:
    page = site.ask("GET", "/", auth=BUDI)
    assert page.status_code == 200 and "X-Frame-Options" in page.headers
    assert site.graphql(BUDI, "{ version }").json()["data"]["version"]
    refused = site.graphql(BUDI, LAUNCH, params=run_of({"siapa": "budi"})).json()["data"]["launchRun"]
    assert refused == {"__typename": "UnauthorizedError"}
    assert site.instance.get_runs(dg.RunsFilter(tags={"siapa": "budi"})) == []


def test_a_run_of_an_engineer_has_her_name_whatever_the_request_claims(site: Site) -> None:
    forged = {"X-Forwarded-User": "bupati", "X_Forwarded_User": "bupati"}
    answer = site.graphql(RINA, LAUNCH, headers=forged, params=run_of({"user": "bupati"}))
    launched = answer.json()["data"]["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", answer.text
    run = site.instance.get_run_by_id(launched["run"]["id"])
    assert run is not None
    assert run.tags["user"] == "rina" and run.status == dg.DagsterRunStatus.QUEUED


def test_a_backfill_of_an_engineer_has_her_name(site: Site) -> None:
    params = {"assetSelection": [{"path": ["dua"]}], "partitionNames": ["a"]}
    answer = site.graphql(RINA, BACKFILL, headers={"X-Forwarded-User": "bupati"}, params=params)
    launched = answer.json()["data"]["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", answer.text
    backfill = site.instance.get_backfill(launched["backfillId"])
    assert backfill is not None and backfill.user == "rina"


@pytest.mark.parametrize("origin", ["https://jahat.example", "null", "http://localhost", ""])
def test_a_page_of_another_site_can_send_no_query(site: Site, origin: str) -> None:
    assert site.graphql(RINA, "{ version }", headers={"Origin": origin}).status_code == 403
    # A form of another site can send this without a preflight request.
    plain = {"Origin": origin, "Content-Type": "text/plain"}
    path = "/graphql?query=mutation{reloadWorkspace{__typename}}"
    assert site.ask("POST", path, auth=RINA, headers=plain).status_code == 403


def test_only_a_post_reaches_graphql_and_only_a_get_the_pages(site: Site) -> None:
    path = "/graphql?query=mutation{reloadWorkspace{__typename}}"
    for headers in ({}, {"Origin": site.url}, {"Origin": site.url, "Upgrade": "h2c"}):
        assert site.ask("GET", path, auth=RINA, headers=headers).status_code == 405
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        for path in ("/", "/report_asset_materialization/satu", "/graphql/", "//graphql"):
            assert site.ask(method, path, auth=RINA, headers={"Origin": site.url}).status_code in (400, 405)
    assert site.ask("PUT", "/graphql", auth=RINA, headers={"Origin": site.url}).status_code == 405


def test_the_data_dictionary_is_shown_to_readers_and_to_nobody_without_a_password(site: Site) -> None:
    page = site.folder / "kamus" / "relasi" / "core.dim_opd.html"
    page.parent.mkdir(parents=True)
    page.write_text("<h1>dim_opd</h1>", "utf-8")
    path = "/kamus/relasi/core.dim_opd.html"
    assert site.ask("GET", path).status_code == 401
    assert site.ask("GET", path, auth=BUDI).text == "<h1>dim_opd</h1>"
    assert site.ask("POST", path, auth=RINA, headers={"Origin": site.url}).status_code == 405
    for elsewhere in ("/kamus/relasi/", "/kamus/../gudang.htpasswd", "/kamus../gudang.htpasswd"):
        assert "dim_opd" not in (answer := site.ask("GET", elsewhere, auth=BUDI)).text
        assert "$2y$" not in answer.text


def test_a_websocket_is_opened_to_our_own_pages_only(site: Site) -> None:
    live = site.socket(RINA, site.url)
    live.send('{"type": "connection_init"}')
    assert live.recv() == '{"type":"connection_ack"}'
    live.close()
    for origin in ("https://jahat.example", None):
        with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
            site.socket(RINA, origin)
    with pytest.raises(websocket.WebSocketBadStatusException, match="401"):
        site.socket(("rina", "salah"), site.url)


def test_the_log_says_who_did_what_and_no_password(site: Site) -> None:
    assert site.ask("GET", "/", auth=("kata-sandi-di-kolom-nama", "x")).status_code == 401
    assert site.ask("GET", "/jobs?sandi=rahasia-di-alamat", auth=BUDI).status_code == 200
    sent = {"Origin": site.url}
    site.ask("POST", "/graphql?op=Versi", auth=RINA, headers=sent, json={"query": "{ version }"})
    # nginx writes a line after the answer has left.
    line = r'^127\.0\.0\.1 rina \[\S+\] "POST /graphql" op=Versi 200 '
    deadline = time.monotonic() + 30
    while not re.search(line, log := (site.folder / "gudang.access.log").read_text("utf-8"), re.MULTILINE):
        assert time.monotonic() < deadline, log
        time.sleep(0.05)
    assert re.search(r'^127\.0\.0\.1 budi \[\S+\] "GET /jobs" op=- 200 ', log, re.MULTILINE)
    everything = "".join(path.read_text("utf-8", "replace") for path in site.folder.glob("*.log"))
    for secret in (RINA[1], BUDI[1], "kata-sandi-di-kolom-nama", "rahasia-di-alamat"):
        assert secret not in everything


def test_nginx_accepts_the_log_in_by_openid_connect(site: Site, nginx: str) -> None:
    with short_folder() as folder:
        for name in ("gudang.engineers", "fullchain.pem", "privkey.pem"):
            shutil.copy(site.folder / name, folder)
        shutil.copy(NGINX / "gudang-oidc.conf", folder)
        ports = dict(zip(("port", "plain", "engineers", "readers"), free_ports(4), strict=True))
        config = site_config(folder, **ports)
        config, maps = re.subn(r"map \$remote_user \$gudang_user \{.*?\n\}\n", "", config, flags=re.DOTALL)
        config, basic = re.subn(r" +auth_basic.*\n", "", config)
        config = config.replace("# include ", "include ")
        assert (maps, basic) == (1, 2)
        done = subprocess.run(
            [nginx, "-t", "-c", nginx_config(folder, config)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
