"""What operators are told, against real databases, a real mail server and a real web server."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from dagster._core.scheduler.instigation import TickStatus

from pipelines.cli.data.status import undelivered_alerts
from pipelines.datasets import SetAside
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.connection import connect
from tests.support.alerting import NIK, House
from tests.support.dagster_records import tick
from tests.support.http_server import Reply, Server, reply
from tests.support.servers import free_port, fresh_name
from tests.support.smtp_server import SmtpServer

TO = ("walidata@prov.example",)
DINKES, BKD = "data@dinkes.example", "data@bkd.example"


def test_a_night_with_faults(house: House, smtp: SmtpServer, http: Server) -> None:
    """The walidata are told all, each OPD what concerns it, and nobody a personal value."""
    house.contract("dinkes/kunjungan", mail=DINKES)
    house.contract("bkd/pegawai", mail=BKD)
    house.contract("dispar/wisata", mail="data@dispar.example")
    house.tell_to(smtp=smtp.port, to=TO, to_opd=True, webhook_url=http.url, ui_url="http://uji:3000")
    batch = house.load("dinkes/kunjungan", "rejected", f"dinkes/kunjungan: nik: 3 dari 9 menyimpang {NIK}")
    house.load("dispar/wisata")
    house.quarantine("dinkes/kunjungan", batch, "nik", "format")
    house.quarantine("dinkes/kunjungan", batch, "nik", "format")
    house.run(
        "insert into ops.schema_drift (dataset, batch_id, kind, column_name) values ('bkd/pegawai', 1, 'vanished', 'x')"
    )
    house.run(
        "insert into ops.model_run (run_id, model, state, error) values ('r1', 'fct_x', 'failed', %s),"
        " ('r1', 'fct_y', 'skipped', 'x')",
        f"kolom tidak ada {NIK}",
    )
    house.publish("sekolah")
    house.check("mart_satu_data/sekolah", "jumlah_wajar", passed=False, severity="warn")
    house.check("mart_satu_data/tertutup", "jumlah_wajar", passed=False, severity="warn")
    failed = house.ended_run("ingest", "PIPELINE_FAILURE")
    house.ended_run("upload", "PIPELINE_FAILURE", {"dagster/will_retry": "true"})
    tick(house.instance, status=TickStatus.FAILURE, error=f"gagal pada {NIK}")
    house.night("2026-11-26")

    report = house.announce()

    by_recipient = {mail.recipients[0]: mail for mail in smtp.mails}
    assert set(by_recipient) == {TO[0], DINKES, BKD}
    lines = by_recipient[TO[0]].text.splitlines()
    assert lines[0].endswith(
        ": 1 dari 3 dataset gagal, 1 terlambat, 1 perubahan struktur, 1 dataset dengan karantina baru,"
        " 1 model gagal, 1 mart terbit dengan peringatan, 1 run gagal, 1 sensor atau jadwal gagal."
    )
    for line in (
        "- dinkes/kunjungan: ditolak pemeriksaan: nik: 3 dari 9 menyimpang ***",
        "  http://uji:3000/runs/r1",
        "- bkd/pegawai: belum pernah datang",
        "- bkd/pegawai: kolom x hilang",
        "- dinkes/kunjungan: 2 baris baru, 2 menunggu; nik (Nilai tidak berbentuk seperti yang dijanjikan [GDK-B013]): 2",
        "- fct_x: kolom tidak ada ***",
        "- mart_satu_data/sekolah: jumlah_wajar (5 dari 192 baris menyimpang)",
        f"- ingest {failed[:8]}: berakhir sebelum langkahnya selesai",
        f"  http://uji:3000/runs/{failed}",
    ):
        assert line in lines
    assert any(line.startswith("- unggahan_baru: sensor gagal 1 kali, terakhir ") for line in lines)
    assert not any("fct_y" in line or "tertutup" in line or "upload" in line for line in lines)
    assert "bkd" not in by_recipient[DINKES].text and "fct_x" not in by_recipient[DINKES].text
    assert "dinkes" not in by_recipient[BKD].text
    (request,) = http.requests
    assert request.json()["headline"] == lines[0] == report.lines[0]
    told = request.body + "".join(mail.text + mail.html for mail in smtp.mails) + "".join(report.lines)
    stored = str(house.run("select * from ops.alert")) + str(house.run("select * from ops.alert_message"))
    assert NIK not in told + stored

    assert house.announce().lines == []
    assert len(smtp.mails) == 3


def test_a_clean_night_is_sent_only_to_who_wants_it(house: House, http: Server) -> None:
    house.tell_to(webhook_url=http.url)
    house.night("2026-11-26")
    report = house.announce()
    assert report.digest is not None and report.digest["headline"].endswith(": baik, 0 dataset.")
    assert http.requests == []
    house.tell_to(webhook_url=http.url, when="always")
    house.night("2026-11-27")
    house.announce()
    assert len(http.requests) == 1


def test_a_channel_that_fails_is_tried_again_and_the_others_go_on(
    house: House, smtp: SmtpServer, http: Server, warehouse_url: str
) -> None:
    house.tell_to(smtp=smtp.port, to=TO, when="always", webhook_url=http.url)
    http.in_turn(Reply(b"", 500), reply({}))
    house.night("2026-11-26")
    assert house.announce().lines[1:] == [
        f"Terkirim ke surel {TO[0]}: {smtp.mails[0].message['Subject']}",
        "Belum terkirim ke webhook, dicoba lagi nanti: server menjawab HTTP 500",
    ]
    assert house.announce().lines == []
    assert undelivered_alerts(warehouse_url) == ["webhook: 1 belum terkirim (server menjawab HTTP 500)"]
    house.clock.move(seconds=61)
    (line,) = house.announce().lines
    assert line.startswith("Terkirim ke webhook: ")
    assert [request.json()["id"] for request in http.requests] == [http.requests[0].json()["id"]] * 2
    assert len(smtp.mails) == 1
    assert house.announce().lines == []
    assert undelivered_alerts(warehouse_url) == []


def test_a_channel_that_is_not_configured_any_more_is_not_waited_for(house: House, http: Server) -> None:
    house.tell_to(when="always", webhook_url=f"http://127.0.0.1:{free_port()}")
    house.night("2026-11-26")
    assert house.announce().outcomes[0].error == "koneksi gagal"
    house.tell_to(telegram_url=http.url, telegram_token="t", telegram_chat="1")
    house.announce()
    assert house.run("select count(*) from ops.alert_delivery") == [(0,)]


def test_what_cannot_wait_is_told_once_counted_and_said_to_be_over(house: House, smtp: SmtpServer) -> None:
    house.tell_to(smtp=smtp.port, to=TO)
    house.publish("sekolah")
    for _ in range(3):
        house.check("mart_satu_data/sekolah", "kunci_unik", passed=False)
        house.announce()
        house.announce()
    (mail,) = smtp.mails
    assert mail.message["Subject"] == "Segera: Mart terbit yang tertahan pemeriksaan: mart_satu_data/sekolah"
    assert "kunci_unik (5 dari 192 baris menyimpang)" in mail.text
    house.night("2026-11-26")
    house.announce()
    assert "menyimpang) (sudah 3 kali sejak " in smtp.mails[1].text
    house.check("mart_satu_data/sekolah", "kunci_unik", passed=True)
    house.load(house.contract("dinkes/kunjungan").key, "failed", "x")
    house.clock.move(hours=1)
    house.night("2026-11-27")
    house.announce()
    assert "- mart_satu_data/sekolah (mart terbit yang tertahan pemeriksaan) sejak " in smtp.mails[2].text
    assert len(smtp.mails) == 3


def test_a_check_that_the_newest_build_does_not_have_is_not_told_of(house: House, http: Server) -> None:
    house.tell_to(webhook_url=http.url, when="always")
    house.publish("sekolah")
    house.check("mart_satu_data/sekolah", "kunci_unik", passed=False, run_id="lama")
    house.check("mart_satu_data/sekolah", "jumlah_wajar", passed=False, severity="warn", run_id="lama")
    house.check("mart_satu_data/sekolah", "lain", passed=True, run_id="baru")
    house.night("2026-11-26")
    house.announce()
    assert [request.json()["problems"] for request in http.requests] == [[]]


def test_a_recipient_who_is_refused_for_good_is_not_tried_again_and_the_walidata_hear_of_it(
    house: House, smtp: SmtpServer, warehouse_url: str
) -> None:
    house.contract("dinkes/kunjungan", mail=DINKES)
    house.tell_to(smtp=smtp.port, to=TO, to_opd=True)
    smtp.behaviour.refused = {DINKES}
    house.load("dinkes/kunjungan", "failed", "x")
    house.night("2026-11-26")
    line = f"Tidak terkirim ke surel {DINKES}, tidak dicoba lagi: server menolak penerima ini (550)"
    assert line in house.announce().lines
    house.clock.move(hours=20)
    assert house.announce().lines == []
    house.night("2026-11-27")
    house.announce()
    assert undelivered_alerts(warehouse_url) == []
    assert (
        "- dinkes: surel, 1 alamat: server menolak penerima ini (550); perbaiki support[] di kontraknya"
        in smtp.mails[1].text
    )
    smtp.behaviour.refused = set()
    for night in ("2026-11-28", "2026-11-29"):
        house.clock.move(hours=1)
        house.night(night)
        house.announce()
    (told,) = [mail for mail in smtp.mails if "- dinkes (penerima kabar yang ditolak) sejak " in mail.text]
    assert told.recipients == TO


def test_mails_to_an_opd_whose_contract_is_set_aside_are_kept(house: House, smtp: SmtpServer) -> None:
    contract = house.contract("dinkes/kunjungan", mail=DINKES)
    house.tell_to(smtp=smtp.port, to=TO, to_opd=True)
    smtp.behaviour.answer_to_data = "452 full"
    house.load("dinkes/kunjungan", "failed", "x")
    house.night("2026-11-26")
    house.announce()
    house.contracts, house.set_aside = (), (SetAside("dinkes", "kunjungan", contract.path, ()),)
    smtp.behaviour.answer_to_data = "250 taken"
    house.clock.move(minutes=5)
    house.announce()
    assert {mail.recipients[0] for mail in smtp.mails} == {TO[0], DINKES}


def test_a_message_that_did_not_arrive_is_not_forgotten_and_says_the_count_of_now(
    house: House, http: Server
) -> None:
    house.tell_to(webhook_url=http.url)
    house.publish("sekolah")
    http.in_turn(Reply(b"", 503), reply({}))
    house.check("mart_satu_data/sekolah", "kunci_unik", passed=False)
    house.announce()
    assert house.run("select delivered from ops.alert") == [({},)]
    house.check("mart_satu_data/sekolah", "kunci_unik", passed=False)
    house.clock.move(minutes=2)
    house.announce()
    assert "(sudah 2 kali sejak " in http.requests[1].json()["text"]
    assert [list(delivered) for (delivered,) in house.run("select delivered from ops.alert")] == [["webhook"]]


def test_a_missing_key_and_a_full_disk_cannot_wait_and_may_come_back(house: House, http: Server) -> None:
    house.tell_to(webhook_url=http.url)
    house.contract("dinkes/kunjungan", pseudonymise="kunjungan", classification="pribadi")
    house.env = {"GUDANG_HEALTH_DISK_PERCENT": "100.5,100.5"}
    house.announce()
    assert {request.json()["problems"][0]["kind"] for request in http.requests} == {"key_missing", "disk_low"}
    told = len(http.requests)  # one for each disk: the server may have one of its own
    house.env = {"GUDANG_HEALTH_DISK_PERCENT": "0,0", "GUDANG_PSEUDONYM_KEY": "k" * 32}
    house.announce()
    assert house.run("select count(*) from ops.alert where resolved_at is null") == [(0,)]
    house.env = {}
    house.announce()
    assert len(http.requests) == told
    house.env = {"GUDANG_PSEUDONYM_KEY": "k" * 32}
    house.announce()
    house.clock.move(hours=7)
    house.env = {}
    house.announce()
    assert len(http.requests) == told + 1


def test_a_process_that_is_killed_between_delivery_and_note_sends_again_and_loses_nothing(
    house: House, warehouse_url: str, http: Server, tmp_path: Path
) -> None:
    house.tell_to(webhook_url=http.url, when="always")
    house.night("2026-11-26")
    url = warehouse_url.replace("postgresql://", "postgresql+psycopg://")
    command = [
        sys.executable,
        "-m",
        "tests.support.alerting",
        url,
        house.dagster_url,
        http.url,
        str(tmp_path),
    ]
    killed = subprocess.run(command, cwd=PROJECT_ROOT, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert len(http.requests) == 1
    house.announce()
    house.announce()
    first, second = http.requests
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


def test_an_old_night_that_is_executed_again_does_not_hide_the_newest_night(
    house: House, http: Server
) -> None:
    house.tell_to(webhook_url=http.url, when="always")
    old = house.night("2026-11-25", ends="PIPELINE_FAILURE")
    house.announce()
    house.night("2026-11-26")
    house.night("2026-11-25", parent=old)
    house.announce()
    assert house.run("select key from ops.alert_message order by 1") == [
        ("malam:2026-11-25",),
        ("malam:2026-11-26",),
    ]


def test_nights_that_do_not_end_are_told_of(house: House, http: Server) -> None:
    house.tell_to(webhook_url=http.url)
    house.night("2026-11-26")
    house.announce()
    house.clock.move(hours=29)
    house.announce()
    assert http.requests == []
    house.clock.move(hours=2)
    house.announce()
    house.announce()
    (request,) = http.requests
    assert request.json()["headline"].endswith(": 1 malam tidak selesai.")


def test_an_installation_that_never_had_a_night_is_told_of(house: House, http: Server) -> None:
    house.tell_to(webhook_url=http.url)
    house.clock.move(hours=29)
    house.announce()
    assert http.requests == []
    house.clock.move(hours=2)
    house.announce()
    (request,) = http.requests
    assert request.json()["headline"].endswith(": 1 malam tidak selesai.")


def test_a_plain_role_tells_too(house: House, http: Server, warehouse_url: str) -> None:
    """It may not ask PostgreSQL where its data are, and the digest is written all the same."""
    role = fresh_name()
    house.run(
        f"create role {role} login; grant usage on schema ops, quarantine to {role};"
        f" grant all on all tables in schema ops, quarantine to {role};"
        f" grant all on all sequences in schema ops, quarantine to {role}"
    )
    try:
        url = warehouse_url.replace("postgresql://", "postgresql+psycopg://").replace("postgres@", f"{role}@")
        with connect(url) as connection:
            plain = replace(house, connection=connection)
            plain.tell_to(webhook_url=http.url, when="always")
            plain.night("2026-11-26")
            assert plain.announce().lines[0].endswith(": baik, 0 dataset.")
        assert len(http.requests) == 1
    finally:
        house.run(f"drop owned by {role}; drop role {role}")


def test_a_preview_changes_nothing(house: House, http: Server) -> None:
    house.tell_to(webhook_url=http.url)
    house.load(house.contract("dinkes/kunjungan").key, "failed", "sebabnya")
    document = house.teller().preview()
    assert [p["message"] for p in document["problems"]] == ["gagal: sebabnya"]
    assert house.run("select count(*) from ops.alert") == [(0,)]
    assert http.requests == []
