"""What a channel is, and why a delivery failed.

Not here: the channels themselves (mail.py, http.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pipelines.alerts.document import Document
from pipelines.errors import GudangError

MAIL, WEBHOOK, TELEGRAM = "surel", "webhook", "telegram"


class DeliveryError(GudangError):
    """A channel did not take a message over. The message holds our own words only: no address, URL or answer.

    unreachable: the server itself could not be used, so other messages by this channel would fail, too. refused: the
    server will never take this message over for this recipient, so it is not sent again.
    """

    def __init__(
        self,
        channel: str,
        message: str,
        *,
        hint: str | None = None,
        unreachable: bool = False,
        refused: bool = False,
    ) -> None:
        super().__init__(channel, message, hint=hint)
        self.unreachable = unreachable
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Message:
    """A document on its way. key: the same for each repetition of the delivery, so that a receiver can drop it."""

    key: str
    document: Document
    recipient: str = ""


class Channel(Protocol):
    """A way to send messages."""

    @property
    def name(self) -> str:
        """One of the names above."""
        ...

    def send(self, message: Message) -> None:
        """Returns when the server took the message over. Raises DeliveryError."""
        ...
