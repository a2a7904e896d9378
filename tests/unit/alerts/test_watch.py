"""`gudang health --send`: each recipient is told once what became critical, and once that it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.alerts.http import Webhook
from pipelines.alerts.mail import Mail
from pipelines.alerts.watch import MEMORY_BYTES, tell_of_health
from pipelines.health.check import Check
from pipelines.health.limits import CRITICAL, OK, WARNING
from pipelines.settings import MailServer
from tests.support.http_server import Reply, Server, reply
from tests.support.smtp_server import SmtpServer

NOW = datetime(2026, 11, 26, tzinfo=UTC)
GOOD = [Check("daemon", OK, "hidup"), Check("cadangan", WARNING, "belum ada cadangan")]
DEAD = [Check("daemon", CRITICAL, "tanda hidup terakhir 2 jam lalu", "jalankan daemon"), *GOOD[1:]]
TO = [("surel", "walidata@prov.example"), ("webhook", "")]


def test_what_becomes_critical_is_told_once_to_each_and_so_is_its_end(
    smtp: SmtpServer, http: Server, tmp_path: Path
) -> None:
    mail = Mail(MailServer("127.0.0.1", smtp.port, "tanpa", "gudang@dinas.example"), 3)
    channels = {"surel": mail, "webhook": Webhook(http.url, None, 3)}
    memory = tmp_path / "home" / "kabar" / "kesehatan.json"
    http.in_turn(Reply(b"", 500), reply({}))

    def tell(checks: list[Check], hours: float = 0) -> list[str]:
        return tell_of_health(checks, channels, TO, memory, NOW + timedelta(hours=hours))

    assert tell(GOOD) == []
    assert tell(DEAD) == [
        "Terkirim ke surel walidata@prov.example.",
        "Belum terkirim ke webhook, dicoba lagi nanti: server menjawab HTTP 500",
    ]
    assert smtp.mails[0].text.splitlines() == [
        "Gudang Data Kaltim: kritis: daemon",
        "",
        "Kritis:",
        "- daemon: tanda hidup terakhir 2 jam lalu; jalankan daemon",
    ]
    assert tell(DEAD) == ["Terkirim ke webhook."]
    assert tell(DEAD, hours=23) == []
    assert len(tell(DEAD, hours=25)) == 2
    assert len(tell(GOOD, hours=26)) == 2
    assert smtp.mails[-1].message["Subject"] == "Gudang Data Kaltim: tidak ada yang kritis lagi"
    assert smtp.mails[-1].text.splitlines()[2:] == ["Sudah beres:", "- daemon (kritis) sejak 27-11 10.00"]
    assert tell(GOOD, hours=99) == []
    assert [len(smtp.mails), len(http.requests)] == [3, 4]


def test_a_memory_that_is_damaged_or_cannot_be_written_silences_nothing(http: Server, tmp_path: Path) -> None:
    channels = {"webhook": Webhook(http.url, None, 3)}
    memory = tmp_path / "kesehatan.json"
    memory.write_text("{")
    assert tell_of_health(DEAD, channels, TO[1:], memory, NOW) == ["Terkirim ke webhook."]
    (tmp_path / "berkas").write_text("")
    lines = tell_of_health(DEAD, channels, TO[1:], tmp_path / "berkas" / "kesehatan.json", NOW)
    assert lines[0] == "Terkirim ke webhook." and "jadi kabar ini akan terulang" in lines[1]


def test_a_message_that_cannot_be_noted_has_the_same_key_for_a_day(http: Server, tmp_path: Path) -> None:
    channels = {"webhook": Webhook(http.url, None, 3)}
    (tmp_path / "berkas").write_text("")
    for minutes in (0, 5, 24 * 60):
        now = NOW + timedelta(minutes=minutes)
        tell_of_health(DEAD, channels, TO[1:], tmp_path / "berkas" / "kesehatan.json", now)
    first, again, next_day = (request.headers["Idempotency-Key"] for request in http.requests)
    assert first == again != next_day


def test_the_memory_has_its_place_on_the_disk_before_the_disk_is_full(http: Server, tmp_path: Path) -> None:
    channels, memory = {"webhook": Webhook(http.url, None, 3)}, tmp_path / "kabar" / "kesehatan.json"
    tell_of_health(GOOD, channels, TO[1:], memory, NOW)
    before = memory.stat()
    for hours, checks in enumerate((DEAD, GOOD)):
        tell_of_health(checks, channels, TO[1:], memory, NOW + timedelta(hours=hours))
    after = memory.stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size) == (before.st_ino, MEMORY_BYTES)
    assert [path.name for path in memory.parent.iterdir()] == [memory.name]
    assert len(http.requests) == 2
