"""Sends messages over HTTP: a webhook gets the document as JSON, a Telegram-compatible server a text.

What belongs here: the requests. A URL may hold a secret, so no error quotes a URL, an answer or a text of the library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from pipelines.alerts.channel import TELEGRAM, WEBHOOK, DeliveryError, Message
from pipelines.alerts.text import plain
from pipelines.extract.api.deadline import BoundedAdapter, TooLargeError, TooSlowError, bounded

LONGEST_ANSWER = 64 << 10
LONGEST_TELEGRAM = 4000
"""Characters; Telegram takes 4,096 (https://core.telegram.org/bots/api#sendmessage)."""


class Webhook:
    """A URL that takes documents as JSON. token: sent as bearer token. timeout: seconds that one delivery may take."""

    name = WEBHOOK

    def __init__(self, url: str, token: str | None, timeout: float) -> None:
        self._url, self._token, self._timeout = url, token, timeout

    def send(self, message: Message) -> None:
        """Returns when the server answered 2xx. Raises DeliveryError."""
        headers = {"Idempotency-Key": message.key}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        body = {"id": message.key, **message.document, "text": plain(message.document)}
        _post(self.name, self._url, body, headers, self._timeout)


class Telegram:
    """A chat of Telegram, or of a server with the same method `sendMessage`."""

    name = TELEGRAM

    def __init__(self, url: str, token: str, chat: str, timeout: float) -> None:
        self._url, self._token, self._chat, self._timeout = url, token, chat, timeout

    def send(self, message: Message) -> None:
        """Returns when the server took the text over. Raises DeliveryError."""
        body = {
            "chat_id": self._chat,
            "text": plain(message.document, LONGEST_TELEGRAM),
            "disable_web_page_preview": True,
        }
        answer = _post(self.name, f"{self._url}/bot{self._token}/sendMessage", body, {}, self._timeout)
        try:
            taken: object = answer.json().get("ok")
        except (ValueError, AttributeError):
            taken = False
        if taken is not True:
            raise DeliveryError(self.name, "server tidak menerima pesan ini", hint=_hint(self.name))


def _post(
    channel: str, url: str, body: Mapping[str, Any], headers: Mapping[str, str], timeout: float
) -> requests.Response:
    """Posts JSON, and gives the answer if it is 2xx. Redirects are not followed. Raises DeliveryError."""
    try:
        with requests.Session() as session, bounded(timeout, LONGEST_ANSWER):
            for scheme in ("http://", "https://"):
                session.mount(scheme, BoundedAdapter())
            answer = session.post(url, json=body, headers=headers, timeout=timeout, allow_redirects=False)
    except (requests.Timeout, TooSlowError):
        raise _failed(channel, f"server tidak menjawab dalam {timeout:g} detik") from None
    except requests.exceptions.SSLError:
        raise _failed(channel, "sertifikat server tidak dipercaya, atau enkripsinya gagal") from None
    except requests.ConnectionError:
        raise _failed(channel, "koneksi gagal") from None
    except TooLargeError:
        raise _failed(channel, "jawaban server terlalu besar") from None
    except (requests.RequestException, ValueError, OSError) as error:
        raise _failed(channel, f"permintaan gagal: {type(error).__name__}") from None
    if not 200 <= answer.status_code < 300:
        raise _failed(channel, f"server menjawab HTTP {answer.status_code}")
    return answer


def _failed(channel: str, why: str) -> DeliveryError:
    return DeliveryError(channel, why, hint=_hint(channel), unreachable=True)


def _hint(channel: str) -> str:
    return f"periksa GUDANG_ALERT_{channel.upper()}_*"
