"""Uploads that wait for approval: what the OPD and the walidata see, who may decide, and what reaches the OPD."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import GudangError
from pipelines.load.approval.decide import decide, open_decisions
from tests.support.contracts import column, document, make, upload
from tests.support.loket import VISITS, Office, Page

GOOD = "nomor,Jenis Kelamin\n1,L\n2,P\n"
MIXED = "nomor,Jenis Kelamin\n1,L\n2,X\n"


class ApprovingOffice(Office):
    """An office whose visits wait for approval."""

    def _contracts(self) -> Iterator[Contract]:
        columns = [
            column("nomor", "integer", primaryKey=True, required=True),
            column(
                "kelamin", enum=[{"value": "L"}, {"value": "P"}], required=True, physicalName="Jenis Kelamin"
            ),
        ]
        extract = {"format": "csv", "pattern": "*.csv"}
        held = document(
            VISITS,
            columns,
            upload(VISITS, "csv"),
            extract=extract,
            approval="required",
            max_quarantine_share=0.9,
        )
        yield make(self.settings.contracts_dir, held)

    def carry_out(self) -> None:
        """Carries out what was decided on the page, as Dagster does."""
        for decision in open_decisions(self.loads.connection):
            decide(self.loads.connection, [*self.contracts.values()], decision)

    def visits(self) -> list[tuple[object, ...]]:
        return self.loads.raw(self.contracts[VISITS], "nomor", "kelamin")


@pytest.fixture(scope="module")
def _office(
    module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ApprovingOffice, Page]]:
    office = ApprovingOffice(module_warehouse_url, tmp_path_factory.mktemp("kantor"))
    with office.behind_a_proxy() as page:
        yield office, page
    office.loads.connection.close()


@pytest.fixture
def office(
    _office: tuple[ApprovingOffice, Page], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ApprovingOffice:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    _office[0].clean()
    _office[0].loads.run("truncate ops.load_decision")
    return _office[0]


@pytest.fixture
def page(_office: tuple[ApprovingOffice, Page], office: ApprovingOffice) -> Page:
    return _office[1]


def waits(office: ApprovingOffice, page: Page, content: str = GOOD) -> int:
    """The number of the load of a file that was sent and waits."""
    page.send(VISITS, "mei.csv", content, "rina")
    batch = office.ingest(VISITS).batch
    assert batch is not None and batch.state == "waiting"
    return batch.batch_id


def say(page: Page, batch: int, user: str, putusan: str, alasan: str = "") -> int:
    data = {"putusan": putusan, "alasan": alasan}
    return page.ask("POST", f"/muatan/{batch}/putusan", user, data=data).status_code


def test_a_walidata_approves_and_the_opd_sees_it(office: ApprovingOffice, page: Page) -> None:
    batch = waits(office, page)
    assert f'href="/muatan/{batch}"' in page.get("/", "wati").text
    shown = page.get(f"/muatan/{batch}", "wati").text
    assert "Bila disetujui" in shown and "Setujui" in shown and "Menunggu persetujuan" in shown
    assert say(page, batch, "wati", "setuju", "tidak dipakai") == 303
    assert "biasanya dalam satu menit" in page.get(f"/muatan/{batch}", "rina").text
    assert ">Setujui<" not in page.get(f"/muatan/{batch}", "wati").text  # it is decided already
    assert office.visits() == []
    assert say(page, batch, "wati", "tolak", "terlambat") == 422
    office.carry_out()
    assert office.visits() == [(1, "L"), (2, "P")]
    assert "Disetujui oleh <strong>wati</strong>" in page.get(f"/muatan/{batch}", "rina").text
    assert office.loads.run("select outcome from ops.upload_seen") == [("loaded",)]


def test_nobody_else_can_decide(office: ApprovingOffice, page: Page) -> None:
    batch = waits(office, page)
    own = page.get(f"/muatan/{batch}", "rina").text
    assert "Bila disetujui" in own and "putusan" not in own.replace("Putusan", "")
    assert say(page, batch, "rina", "setuju") == 403
    assert say(page, batch, "budi", "setuju") == 404
    assert say(page, batch, "", "setuju") == 401
    other_site = {"Sec-Fetch-Site": "cross-site"}
    refused = page.ask(
        "POST", f"/muatan/{batch}/putusan", "wati", data={"putusan": "setuju"}, headers=other_site
    )
    assert refused.status_code == 403
    assert office.loads.run("select count(*) from ops.load_decision") == [(0,)]


@pytest.mark.parametrize(("putusan", "alasan"), [("tolak", " "), ("lain", ""), ("tolak", "x" * 1001)])
def test_what_is_no_decision_is_refused_with_a_sentence(
    office: ApprovingOffice, page: Page, putusan: str, alasan: str
) -> None:
    batch = waits(office, page)
    assert say(page, batch, "wati", putusan, alasan) == 422
    assert office.loads.run("select count(*) from ops.load_decision") == [(0,)]


def test_a_rejection_reaches_the_opd_with_its_reason(office: ApprovingOffice, page: Page) -> None:
    batch = waits(office, page, MIXED)
    office.send_feedback("on_error")
    assert len([*office.zone.rglob("index.html")]) == 1  # the refused row is told of at once
    office.loads.run("update ops.feedback set mailed_at = made_at, mailed_to = '{opd@uji.example}'")
    assert say(page, batch, "wati", "tolak", "jumlah <b>dua</b> kali lipat") == 303
    office.carry_out()
    office.send_feedback("on_error")
    (told,) = office.zone.rglob("index.html")
    assert "ditolak walidata: jumlah &lt;b&gt;dua&lt;/b&gt; kali lipat" in told.read_text("utf-8")
    assert "jumlah &lt;b&gt;dua&lt;/b&gt; kali lipat" in page.get(f"/muatan/{batch}", "rina").text
    ((letter, mailed),) = office.loads.run("select letter ->> 'text', mailed_at from ops.feedback")
    assert "Kiriman ini ditolak walidata: jumlah <b>dua</b> kali lipat" in letter and mailed is None
    assert office.visits() == []


def test_a_file_that_waits_or_was_rejected_is_not_loaded_again(office: ApprovingOffice, page: Page) -> None:
    batch = waits(office, page)
    again = office.ingest(VISITS).batch
    assert again is not None and (again.batch_id, again.state) == (batch, "waiting")
    page.send(VISITS, "mei.csv", GOOD, "rina")  # put there once more, it is judged, too
    office.ingest(VISITS)
    assert set(office.loads.run("select outcome from ops.upload_seen")) == {("waiting",)}
    say(page, batch, "wati", "tolak", "belum lengkap")
    office.carry_out()
    again = office.ingest(VISITS).batch
    assert again is not None and (again.batch_id, again.state) == (batch, "rejected")
    page.send(VISITS, "mei.csv", GOOD + "3,L\n", "rina")
    corrected = office.ingest(VISITS).batch
    assert corrected is not None and corrected.state == "waiting" and corrected.batch_id > batch


def test_a_decision_that_is_not_carried_out_can_be_replaced(office: ApprovingOffice, page: Page) -> None:
    batch = waits(office, page)
    say(page, batch, "wati", "setuju")
    office.loads.run("update ops.load_decision set decided_at = decided_at - interval '11 minutes'")
    shown = page.get(f"/muatan/{batch}", "wati").text
    assert "Belum dijalankan." in shown and ">Setujui<" in shown
    say(page, batch, "wati", "tolak", "ternyata dobel")
    with pytest.raises(GudangError, match="diganti putusan yang lebih baru"):
        office.carry_out()
    office.carry_out()
    assert office.loads.run("select decision, error is null from ops.load_decision order by decision_id") == [
        ("approved", False),
        ("rejected", True),
    ]
    assert office.visits() == []


def test_a_decision_after_the_contract_changed_is_over(office: ApprovingOffice, page: Page) -> None:
    batch = waits(office, page)
    say(page, batch, "wati", "setuju")
    contract = office.contracts[VISITS]
    text = contract.path.read_text("utf-8")
    try:
        contract.path.write_text(text + "# sunting\n", "utf-8")
        with pytest.raises(Exception, match="kontraknya berubah"):
            office.carry_out()
        assert "Tidak dapat dijalankan" in page.get(f"/muatan/{batch}", "wati").text
        assert office.ingest(VISITS).batch is not None
        assert office.loads.run("select state from ops.load_batch order by batch_id") == [
            ("superseded",),
            ("waiting",),
        ]
    finally:
        contract.path.write_text(text, "utf-8")
