"""Channels against real servers on the loopback: what they send, and the error if a server does not accept it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from pipelines.alerts.channel import DeliveryError, Message
from pipelines.alerts.document import test_message as document_of_a_test
from pipelines.alerts.http import Telegram, Webhook
from pipelines.alerts.mail import Mail
from pipelines.settings import MailServer
from tests.support.http_server import Reply, Server, reply
from tests.support.servers import free_port
from tests.support.smtp_server import SmtpServer

SECRET = "s3cret-Tok3n"
MESSAGE = Message("kunci-1", document_of_a_test(datetime(2026, 11, 26, tzinfo=UTC)), "walidata@dinas.example")
HEADLINE = "Uji kabar Gudang Data Kaltim, 26 November 2026: saluran ini bekerja."


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def issuer() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def smtp(issuer: trustme.CA) -> Iterator[Callable[..., SmtpServer]]:
    made: list[SmtpServer] = []

    def start(*, tls: bool = False, tls_from_start: bool = False, name: str = "127.0.0.1") -> SmtpServer:
        context = None
        if tls or tls_from_start:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            issuer.issue_cert(name).configure_cert(context)
        made.append(SmtpServer(context, tls_from_start=tls_from_start))
        return made[-1]

    yield start
    for server in made:
        server.stop()


@pytest.fixture
def trusted(issuer: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


def mail_to(server: SmtpServer, security: str = "tanpa", timeout: float = 5, **more: Any) -> Mail:
    return Mail(MailServer("127.0.0.1", server.port, security, "gudang@dinas.example", **more), timeout)


def refused(channel: Mail | Webhook | Telegram) -> str:
    with pytest.raises(DeliveryError) as caught:
        channel.send(MESSAGE)
    assert SECRET not in str(caught.value) and caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.message


def test_mail_has_text_and_html_and_the_same_id_each_time(smtp: Callable[..., SmtpServer]) -> None:
    server = smtp()
    mail_to(server).send(MESSAGE)
    mail_to(server).send(MESSAGE)
    first, second = server.mails
    assert first.recipients == ("walidata@dinas.example",)
    assert first.message["Subject"] == HEADLINE
    assert first.text.splitlines()[0] == HEADLINE and f"<b>{HEADLINE}</b>" in first.html
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.message["Auto-Submitted"] == "auto-generated"


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_log_in_uses_an_encrypted_session(smtp: Callable[..., SmtpServer], security: str) -> None:
    server = smtp(tls=True, tls_from_start=security == "ssl")
    server.behaviour.login = ("gudang", SECRET)
    mail_to(server, security, user="gudang", password=SECRET).send(MESSAGE)
    assert len(server.mails) == 1
    assert refused(mail_to(server, security, user="gudang", password="x")) == (
        "server menolak pengguna atau kata sandi (535)"
    )


def test_mail_server_with_an_untrusted_certificate_gets_no_password(smtp: Callable[..., SmtpServer]) -> None:
    server = smtp(tls=True)
    assert refused(mail_to(server, "starttls", user="gudang", password=SECRET)).startswith("enkripsi gagal: ")
    assert server.mails == []


def test_mail_server_without_starttls_gets_no_password(smtp: Callable[..., SmtpServer]) -> None:
    message = refused(mail_to(smtp(), "starttls", user="gudang", password=SECRET))
    assert message == "server tidak menawarkan STARTTLS, login, atau huruf pada alamat ini"


def test_refusals_of_a_mail_server_are_reported_without_its_text(smtp: Callable[..., SmtpServer]) -> None:
    server = smtp()
    server.behaviour.refused = {"walidata@dinas.example"}
    assert refused(mail_to(server)) == "server menolak penerima ini (550)"
    server.behaviour.refused = set()
    server.behaviour.answer_to_data = f"452 full {SECRET}"
    assert refused(mail_to(server)) == "server menjawab 452"
    assert server.mails == []


def test_silent_mail_server_times_out(smtp: Callable[..., SmtpServer]) -> None:
    server = smtp()
    server.behaviour.silent = True
    assert refused(mail_to(server, timeout=0.3)) in (
        "server tidak menjawab dalam 0.3 detik",
        "server memutus koneksi, atau tidak menjawab dalam 0.3 detik",
    )


def test_unreachable_mail_server_is_reported() -> None:
    nowhere = MailServer("127.0.0.1", free_port(), "tanpa", "gudang@dinas.example")
    assert refused(Mail(nowhere, 2)) == "koneksi ditolak"


def test_webhook_receives_the_document_with_an_idempotency_key(http: Server) -> None:
    Webhook(f"{http.url}/kait", SECRET, 5).send(MESSAGE)
    (request,) = http.requests
    assert (request.method, request.path) == ("POST", "/kait")
    assert request.headers["Authorization"] == f"Bearer {SECRET}"
    assert request.headers["Idempotency-Key"] == "kunci-1"
    body = request.json()
    assert (body["schema"], body["kind"], body["id"]) == ("gudang-kabar/1", "test", "kunci-1")
    assert body["text"] == f"{HEADLINE}\n"


def test_telegram_chat_receives_the_text(http: Server) -> None:
    http.answer = lambda _: reply({"ok": True})
    Telegram(http.url, SECRET, "-100", 5).send(MESSAGE)
    (request,) = http.requests
    assert request.path == f"/bot{SECRET}/sendMessage"
    assert request.json()["chat_id"] == "-100" and request.json()["text"] == f"{HEADLINE}\n"
    http.answer = lambda _: reply({"ok": False, "description": SECRET})
    assert refused(Telegram(http.url, SECRET, "-100", 5)) == "server tidak menerima pesan ini"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Reply(SECRET.encode(), 500), "server menjawab HTTP 500"),
        (Reply(b"", 302, {"Location": f"http://127.0.0.1:1/{SECRET}"}), "server menjawab HTTP 302"),
        (Reply(drop=True), "koneksi gagal"),
        (Reply(b"x" * 200, drip=0.05), "server tidak menjawab dalam 0.5 detik"),
        (Reply(b"x" * (1 << 20)), "jawaban server terlalu besar"),
    ],
)
def test_error_does_not_repeat_the_answer_of_a_web_server(http: Server, answer: Reply, message: str) -> None:
    http.answer = lambda _: answer
    assert refused(Webhook(f"{http.url}/{SECRET}", SECRET, 0.5)) == message
    assert refused(Telegram(http.url, SECRET, "1", 0.5)) == message


def test_silent_or_unreachable_web_server_is_reported(http: Server) -> None:
    done = threading.Event()

    def never(_: Any) -> Reply:
        done.wait(5)
        return Reply()

    http.answer = never
    assert refused(Webhook(http.url, None, 0.3)) == "server tidak menjawab dalam 0.3 detik"
    done.set()
    assert refused(Webhook(f"http://127.0.0.1:{free_port()}/{SECRET}", None, 2)) == "koneksi gagal"
