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
    code: its entry in the catalogue of findings; None for a fault of the installation, which no data can cause.
    """

    code: str | None = None
    """The code where a raise names none."""

    def __init__(
        self, subject: str, message: str, *, hint: str | None = None, code: str | None = None
    ) -> None:
        self.subject, self.message = _clean(subject), _clean(message)
        self.hint = _clean(hint) if hint else hint
        self.code = code or self.code
        text = f"{self.subject}: {self.message}" + (f" ({self.hint})" if self.hint else "")
        super().__init__(with_code(text, self.code))


def with_code(text: str, code: str | None) -> str:
    """A text that people read about a fault, with its code at the end in brackets."""
    return f"{text} [{code}]" if code else text


def _clean(text: str) -> str:
    """`text` without secrets and without persons' numbers."""
    return masked(redacted(text), NUMBERS)


class ContractError(GudangError):
    """A contract (or its environment) contradicts itself or our vocabulary.

    at: the name of the custom property or column that is faulty, where it is one.
    """

    code = "GDK-K001"

    def __init__(
        self,
        subject: str,
        message: str,
        *,
        hint: str | None = None,
        at: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(subject, message, hint=hint, code=code)
        self.at = at


class SourceError(GudangError):
    """A source could not be read. transient: whether another try may succeed."""

    code = "GDK-S001"

    def __init__(
        self,
        subject: str,
        message: str,
        *,
        hint: str | None = None,
        transient: bool = False,
        code: str | None = None,
    ) -> None:
        super().__init__(subject, message, hint=hint, code=code)
        self.transient = transient


class ShapeError(SourceError):
    """The source's columns are not those that the contract promised."""

    code = "GDK-S005"


class LoadError(GudangError):
    """A batch could not be landed, staged or applied; raw is as it was."""

    code = "GDK-M001"


class QualityError(GudangError):
    """A suite could not be read or run."""

    code = "GDK-K026"


class ModelError(GudangError):
    """An SQL model could not be parsed, rendered, built or tested."""


class PublicationError(GudangError):
    """A publication was refused or could not be written; what was published before stays."""

    code = "GDK-K028"
