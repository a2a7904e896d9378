"""A real SMTP server on the loopback. It accepts or refuses mails as a test says, with STARTTLS, TLS and log-in."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass(frozen=True)
class Mail:
    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    @property
    def html(self) -> str:
        body = self.message.get_body(("html",))
        assert body is not None
        return str(body.get_content())


@dataclass
class Behaviour:
    """What the server does. login: user and password that it asks for. refused: recipients that it answers 550.

    later: recipients that it answers 451.
    """

    login: tuple[str, str] | None = None
    refused: set[str] = field(default_factory=set[str])
    later: set[str] = field(default_factory=set[str])
    answer_to_data: str = "250 taken"
    silent: bool = False
    """It accepts the connection and sends nothing."""

    def answer_to(self, recipient: str) -> str:
        """The answer to RCPT."""
        if recipient in self.refused:
            return f"550 no {recipient} here"
        return "451 later" if recipient in self.later else "250 ok"


class _Session(socketserver.BaseRequestHandler):
    server: _Tcp

    def handle(self) -> None:
        owner = self.server.owner
        self.connection, self.reader = self.request, None
        if owner.behaviour.silent:
            owner.stopping.wait(10)
            return
        if owner.tls and owner.tls_from_start:
            self.connection = owner.tls.wrap_socket(self.connection, server_side=True)
        self.reader = self.connection.makefile("rb")
        self.say("220 uji")
        encrypted, allowed, sender, recipients = owner.tls_from_start, False, "", list[str]()
        while line := self.reader.readline().decode().strip():
            word, _, rest = line.partition(" ")
            match word.upper():
                case "EHLO" | "HELO":
                    self.say(_offers(with_tls=owner.tls is not None and not encrypted))
                case "STARTTLS" if owner.tls:
                    self.say("220 go")
                    self.reader.close()
                    self.connection = owner.tls.wrap_socket(self.connection, server_side=True)
                    self.reader, encrypted = self.connection.makefile("rb"), True
                case "AUTH":
                    _, user, password = base64.b64decode(rest.split()[-1]).decode().split("\0")
                    allowed = (user, password) == owner.behaviour.login
                    self.say("235 ok" if allowed else f"535 wrong password {password}")
                case "MAIL" if owner.behaviour.login and not allowed:
                    self.say("530 log in first")
                case "MAIL":
                    sender, recipients = rest, []
                    self.say("250 ok")
                case "RCPT":
                    answer = owner.behaviour.answer_to(_address(rest))
                    recipients += [_address(rest)] if answer.startswith("250") else []
                    self.say(answer)
                case "DATA":
                    self.say("354 go on")
                    data = b"".join(iter(self.reader.readline, b".\r\n"))
                    if owner.behaviour.answer_to_data.startswith("250"):
                        parsed = message_from_bytes(data, policy=policy.default)
                        assert isinstance(parsed, EmailMessage)
                        owner.mails.append(Mail(_address(sender), tuple(recipients), parsed))
                    self.say(owner.behaviour.answer_to_data)
                case "QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("250 ok")

    def finish(self) -> None:
        if self.reader:
            self.reader.close()
        self.connection.close()

    def say(self, line: str) -> None:
        self.connection.sendall(f"{line}\r\n".encode())


class _Tcp(socketserver.ThreadingTCPServer):
    owner: SmtpServer
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: object) -> None:
        """Ignores the error: clients that close their connection are part of the tests."""


class SmtpServer:
    """Runs until `stop`. mails: those that it accepted."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, tls_from_start: bool = False) -> None:
        self.tls, self.tls_from_start = tls, tls_from_start
        self.behaviour = Behaviour()
        self.mails: list[Mail] = []
        self.stopping = threading.Event()
        self._tcp = _Tcp(("127.0.0.1", 0), _Session)
        self._tcp.owner = self
        self.port = int(self._tcp.server_address[1])
        threading.Thread(target=self._tcp.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        self._tcp.shutdown()
        self._tcp.server_close()


def _offers(*, with_tls: bool) -> str:
    """The answer to EHLO."""
    offers = ["uji", *(["STARTTLS"] if with_tls else []), "AUTH PLAIN", "8BITMIME"]
    return "\r\n".join(f"250{'-' if o != offers[-1] else ' '}{o}" for o in offers)


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]
