"""The one family of exceptions that people read: each names its subject, the place, the rule and how to fix it.

What belongs here: the classes, and the redaction and masking of their texts, so that no printed, logged or stored text
holds a secret or a personal value. Not here: handling them.
"""

from __future__ import annotations

from pipelines.redaction.personal_shapes import NUMBERS, masked
from pipelines.redaction.secrets import redacted


class GudangError(Exception):
    """A fault that a data engineer or an OPD can fix.

    subject: the dataset ("dinkes/kunjungan"), model or file. hint: how to fix it.
    """

    def __init__(self, subject: str, message: str, *, hint: str | None = None) -> None:
        self.subject, self.message = _clean(subject), _clean(message)
        self.hint = _clean(hint) if hint else hint
        super().__init__(f"{self.subject}: {self.message}" + (f" ({self.hint})" if self.hint else ""))


def _clean(text: str) -> str:
    """`text` without secrets and without persons' numbers."""
    return masked(redacted(text), NUMBERS)


class ContractError(GudangError):
    """A contract (or its environment) contradicts itself or our vocabulary.

    at: the name of the custom property or column that is faulty, where it is one.
    """

    def __init__(self, subject: str, message: str, *, hint: str | None = None, at: str | None = None) -> None:
        super().__init__(subject, message, hint=hint)
        self.at = at


class SourceError(GudangError):
    """A source could not be read. transient: whether another try may succeed."""

    def __init__(
        self, subject: str, message: str, *, hint: str | None = None, transient: bool = False
    ) -> None:
        super().__init__(subject, message, hint=hint)
        self.transient = transient


class ShapeError(SourceError):
    """The source's columns are not those that the contract promised."""


class LoadError(GudangError):
    """A batch could not be landed, staged or applied; raw is as it was."""


class QualityError(GudangError):
    """A suite could not be read or run."""


class ModelError(GudangError):
    """An SQL model could not be parsed, rendered, built or tested."""


class PublicationError(GudangError):
    """A publication was refused or could not be written; what was published before stays."""
