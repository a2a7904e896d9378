"""The one exception family. What belongs here: errors that name the subject, the place, the rule and the mend.

Not here: handling them. A `GudangError` is for a person to read; its text never holds a personal value, and what it
holds is redacted and masked here, once for all that is printed, logged and kept.
"""

from __future__ import annotations

from pipelines.redaction.personal_shapes import NUMBERS, masked
from pipelines.redaction.secrets import redacted


class GudangError(Exception):
    """Something a data engineer or an OPD can mend.

    `subject` is the dataset ("dinkes/kunjungan"), model or file; `hint` says how to mend it.
    """

    def __init__(self, subject: str, message: str, *, hint: str | None = None) -> None:
        self.subject, self.message = _clean(subject), _clean(message)
        self.hint = _clean(hint) if hint else hint
        super().__init__(f"{self.subject}: {self.message}" + (f" ({self.hint})" if self.hint else ""))


def _clean(text: str) -> str:
    return masked(redacted(text), NUMBERS)


class ContractError(GudangError):
    """A contract (or its environment) contradicts itself or our vocabulary.

    at: the custom property or the column of the contract that is meant, where it is one.
    """

    def __init__(self, subject: str, message: str, *, hint: str | None = None, at: str | None = None) -> None:
        super().__init__(subject, message, hint=hint)
        self.at = at


class SourceError(GudangError):
    """A source could not be read. `transient` says whether trying again may help."""

    def __init__(
        self, subject: str, message: str, *, hint: str | None = None, transient: bool = False
    ) -> None:
        super().__init__(subject, message, hint=hint)
        self.transient = transient


class ShapeError(SourceError):
    """The source's columns are not those that the contract promised."""


class LoadError(GudangError):
    """A batch could not be landed, staged or published; the published table is as it was."""


class QualityError(GudangError):
    """A suite could not be read or run."""


class ModelError(GudangError):
    """An SQL model could not be parsed, rendered, built or tested."""


class PublicationError(GudangError):
    """A publication was refused or could not be written; what was published before stays."""
