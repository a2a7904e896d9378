"""Sends messages by SMTP: one mail per recipient, as text and as HTML."""

from __future__ import annotations

import hashlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from pipelines.alerts.channel import MAIL, DeliveryError, Message
from pipelines.alerts.text import html, plain
from pipelines.disk import os_reason
from pipelines.settings import MailServer


class Mail:
    """A mail server. timeout: seconds that one delivery may take."""

    name = MAIL

    def __init__(self, server: MailServer, timeout: float) -> None:
        self._server, self._timeout = server, timeout

    @property
    def sender(self) -> str:
        """The address that mails come from."""
        return self._server.sender

    def send(self, message: Message) -> None:
        """Returns when the server took the mail over. Raises DeliveryError, whose text quotes nothing of the server."""
        self.deliver(compose(message, self.sender), message.recipient)

    def deliver(self, mail: EmailMessage, recipient: str) -> None:
        """Sends a mail that is already written, see `send`."""
        try:
            with self._session() as session:
                session.send_message(mail, self.sender, [recipient])
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise DeliveryError(
                self.name,
                f"server menolak penerima ini ({code})",
                hint="periksa alamatnya",
                refused=code >= 500,  # RFC 5321, 4.2.1: the client should not repeat the request
            ) from None
        except smtplib.SMTPSenderRefused as error:
            raise self._failed(f"server menolak pengirim ({error.smtp_code})") from None
        except smtplib.SMTPAuthenticationError as error:
            raise self._failed(f"server menolak pengguna atau kata sandi ({error.smtp_code})") from None
        except smtplib.SMTPNotSupportedError:
            raise self._failed(
                "server tidak menawarkan STARTTLS, login, atau huruf pada alamat ini"
            ) from None
        except smtplib.SMTPServerDisconnected:
            raise self._failed(
                f"server memutus koneksi, atau tidak menjawab dalam {self._timeout:g} detik"
            ) from None
        except smtplib.SMTPDataError as error:
            # The server has taken the sender and the recipient: it is this mail that it does not take now.
            raise DeliveryError(self.name, f"server menjawab {error.smtp_code}") from None
        except smtplib.SMTPResponseException as error:
            raise self._failed(f"server menjawab {error.smtp_code}") from None
        except ssl.SSLError as error:
            raise self._failed(
                f"enkripsi gagal: {getattr(error, 'verify_message', '') or error.reason}"
            ) from None
        except TimeoutError:
            raise self._failed(f"server tidak menjawab dalam {self._timeout:g} detik") from None
        except ConnectionRefusedError:
            raise self._failed("koneksi ditolak") from None
        except socket.gaierror:
            raise self._failed("nama server tidak dikenal") from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise self._failed(os_reason(error)) from None

    def _failed(self, why: str) -> DeliveryError:
        return DeliveryError(self.name, why, hint="periksa GUDANG_ALERT_MAIL_*", unreachable=True)

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """A session that is logged in. It ends after the time-out, even if the server sends one byte now and then."""
        server, context = self._server, ssl.create_default_context()
        session = (
            _TlsSession(server.host, server.port, self._timeout, context=context)
            if server.security == "ssl"
            else _Session(server.host, server.port, self._timeout)
        )
        try:
            if server.security == "starttls":
                session.starttls(context=context)
            if server.user:
                session.login(server.user, server.password or "")
            yield session
            # The mail is taken over: whatever happens to the farewell changes nothing.
            with suppress(OSError, smtplib.SMTPException):
                session.quit()
        finally:
            session.close()


def compose(message: Message, sender: str) -> EmailMessage:
    """The mail. Its Message-ID follows from the key and the recipient, so that a second delivery is recognised."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = message.document["headline"]
    mail["From"], mail["To"] = sender, message.recipient
    mail["Date"] = format_datetime(datetime.now(UTC))
    identity = hashlib.sha256(f"{message.key} {message.recipient}".encode()).hexdigest()[:32]
    mail["Message-ID"] = f"<{identity}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(plain(message.document))
    mail.add_alternative(html(message.document), subtype="html")
    return mail


class _Session(smtplib.SMTP):
    """A session that ends after `timeout` seconds. The library's own time-out counts anew for each byte."""

    def __init__(self, host: str, port: int, timeout: float, **options: Any) -> None:
        self._end = threading.Timer(timeout, self._shut)
        self._end.daemon = True
        self._end.start()
        try:
            super().__init__(host, port, timeout=timeout, **options)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the connection."""
        self._end.cancel()
        super().close()

    def _shut(self) -> None:
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


class _TlsSession(_Session, smtplib.SMTP_SSL):
    """The same, encrypted from its first byte."""
