"""A project of two OPD with its upload zone and warehouse, and the upload page in front of it, asked by real HTTP."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import uvicorn

from pipelines.contracts.model import Contract
from pipelines.contracts.upload import OUTBOX
from pipelines.datasets import Datasets
from pipelines.feedback.asked_previews import answer_all
from pipelines.feedback.send import send_pending
from pipelines.ingest import Ingested, ingest
from pipelines.loket.login import DemoLogin, Login, ProxyLogin
from pipelines.loket.pages import Site
from pipelines.loket.server import application
from pipelines.loket.users import KnownDatasets, MadeUpUsers, UsersFile
from pipelines.settings import AlertSettings, MailServer, Settings
from tests.support.contracts import column, document, make, upload
from tests.support.loads import AT_ONCE, Loads
from tests.support.servers import free_port

MOST = 1 << 20
"""The largest file of these tests, in bytes."""
VISITS, POOR = "dinkes/kunjungan", "dinsos/keluarga"
"""A dataset of CSV files, and one of workbooks; each of another OPD."""
POOR_MAIL = "data@dinsos.example"
"""The address that the second one's contract names."""
USERS = "rina: [dinkes]\nbudi: [dinsos]\nwati: walidata\n"


class Office:
    """The project, its zone and its warehouse. Made without the page."""

    def __init__(self, warehouse_url: str, folder: Path) -> None:
        self.folder = folder
        self.loads = Loads(warehouse_url, folder / "pinggir", prepared=True)
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=self.loads.url)
        self.zone = folder / "home" / "unggahan"
        self.zone.mkdir(parents=True)
        self.contracts = {c.key: c for c in self._contracts()}

    def _contracts(self) -> Iterator[Contract]:
        kinds = [{"value": "L", "label": "Laki-laki"}, {"value": "P", "label": "Perempuan"}]
        columns = [
            column(
                "nomor",
                "integer",
                primaryKey=True,
                required=True,
                konfirmasi=["maximum"],
                logicalTypeOptions={"minimum": 1, "maximum": 9_999},
            ),
            column("kelamin", enum=kinds, required=True, physicalName="Jenis Kelamin"),
            column("tanggal", "date"),
        ]
        more = {"extract": {"format": "csv", "pattern": "*.csv"}, "write_disposition": "merge"}
        visits = document(VISITS, columns, upload(VISITS, "csv"), max_quarantine_share=0.9, **more)
        visits["slaProperties"] = [{"property": "frequency", "value": 30, "unit": "d"}]
        yield make(self.settings.contracts_dir, visits)
        sheet = {"format": "xlsx", "pattern": "*.xlsx", "sheet": "Data", "header_row": 3}
        poor = document(POOR, columns, upload(POOR, "xlsx"), extract=sheet, max_quarantine_share=0.9)
        poor["support"] = [{"channel": "Surel", "url": f"mailto:{POOR_MAIL}"}]
        yield make(self.settings.contracts_dir, poor)

    def ingest(self, key: str) -> Ingested:
        """Loads what is due of a dataset, as Dagster does."""
        contract = self.contracts[key]
        return ingest(
            self.loads.connection, contract, self.settings, self.loads.url, run_id="uji", waits=AT_ONCE
        )

    def answer_previews(self) -> list[str]:
        """Answers what the page has asked about files, as Dagster does."""
        contracts = tuple(self.contracts.values())
        return answer_all(self.loads.connection, contracts, self.settings, self.zone)

    def send_feedback(self, mail: str = "never", server: MailServer | None = None) -> None:
        """Writes what the OPD are told into the outbox, as Dagster does.

        mail: which letters are written, too. server: sends them.
        """
        datasets = Datasets(tuple(self.contracts.values()))
        alerts = AlertSettings(mail=server, feedback=mail)
        sent = send_pending(self.loads.connection, self.settings, datasets, alerts)
        assert not sent.failures

    def files(self) -> list[str]:
        """Every file that was sent, hidden ones too, by its path in the zone."""
        paths = (p.relative_to(self.zone) for p in self.zone.rglob("*") if p.is_file())
        return sorted(str(path) for path in paths if OUTBOX not in path.parts)

    def uploaders(self) -> list[tuple[Any, ...]]:
        rows = self.loads.connection.execute("select dataset, name, uploader from ops.upload_by order by at")
        return rows.fetchall()

    def clean(self) -> None:
        """Takes away what earlier tests sent and loaded."""
        shutil.rmtree(self.zone)
        self.zone.mkdir()
        for contract in self.contracts.values():
            self.loads.forget(contract)
        self.loads.run("truncate ops.upload_by, ops.upload_seen, ops.upload_preview, ops.feedback")

    def site(self, login: Login, url: str | None = None) -> Site:
        datasets = KnownDatasets(self.settings.contracts_dir)
        return Site(datasets, self.zone, url or self.loads.url, login, most_bytes=MOST)

    @contextmanager
    def behind_a_proxy(self, url: str | None = None) -> Iterator[Page]:
        """The page as on a server: a header names the person. url: of another warehouse."""
        users = self.folder / "pengguna.yaml"
        users.write_text(USERS, "utf-8")
        with running(self.site(ProxyLogin(UsersFile(users)), url)) as page:
            yield page

    @contextmanager
    def of_the_demo(self) -> Iterator[Page]:
        """The page as in the demo: a person chooses a log-in."""
        with running(self.site(DemoLogin(MadeUpUsers(c.opd for c in self.contracts.values())))) as page:
            yield page


class Page:
    """The page at its address."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, method: str, path: str, user: str | None = None, **more: Any) -> requests.Response:
        headers = {**({"X-Forwarded-User": user} if user else {}), **more.pop("headers", {})}
        return requests.request(
            method, self.url + path, headers=headers, allow_redirects=False, timeout=60, **more
        )

    def get(self, path: str, user: str | None = None, **more: Any) -> requests.Response:
        return self.ask("GET", path, user, **more)

    def send(
        self, key: str, name: str, content: bytes | str, user: str, order: str = "kirim", **more: Any
    ) -> requests.Response:
        """Sends the form of a dataset's page."""
        files = {"berkas": (name, content)}
        return self.ask("POST", f"/dataset/{key}", user, files=files, data={"aksi": order}, **more)


@contextmanager
def running(site: Site) -> Iterator[Page]:
    """Serves the site while the context lasts."""
    port = free_port()
    config = uvicorn.Config(application(site), host="127.0.0.1", port=port, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    yield Page(port)
    server.should_exit = True
    thread.join(30)
