"""The licences under which open data are published.

What belongs here: the licences that the models' YAML may name, and their addresses. Not here: which mart has which
(mart.py), how a catalogue says it (catalog.py).

No regulation of Satu Data Indonesia that we have read names a licence. The government's own explanation of it says
that data are published under an open one, and names CC BY as the example (indonesiabaik.id, "Pemanfaatan Data Bersama
Satu Data Indonesia"): anybody may use them and has only to name the source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pipelines.errors import PublicationError
from pipelines.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence. name: its SPDX identifier. title: for readers. path: the address of its text."""

    name: str
    title: str
    path: str


_CREATIVE_COMMONS = "https://creativecommons.org"
_OPEN_DATA_COMMONS = "https://opendatacommons.org/licenses"
LICENCES: Mapping[str, Licence] = MappingProxyType(
    {
        licence.name: licence
        for licence in (
            Licence(
                "CC-BY-4.0",
                "Creative Commons Atribusi 4.0 Internasional",
                f"{_CREATIVE_COMMONS}/licenses/by/4.0/",
            ),
            Licence(
                "CC-BY-SA-4.0",
                "Creative Commons Atribusi-BerbagiSerupa 4.0 Internasional",
                f"{_CREATIVE_COMMONS}/licenses/by-sa/4.0/",
            ),
            Licence("CC0-1.0", "Creative Commons Zero 1.0", f"{_CREATIVE_COMMONS}/publicdomain/zero/1.0/"),
            Licence("ODbL-1.0", "Open Database License 1.0", f"{_OPEN_DATA_COMMONS}/odbl/1-0/"),
            Licence("ODC-By-1.0", "Open Data Commons Attribution 1.0", f"{_OPEN_DATA_COMMONS}/by/1-0/"),
        )
    }
)
"""The open licences for data in SPDX's list, by their name there."""


def licence_of(mart: str, name: str) -> Licence | None:
    """The licence that the YAML of a mart, or of its exposure, names; None for an empty name.

    Raises PublicationError for an unknown one.
    """
    if not name:
        return None
    if name not in LICENCES:
        raise PublicationError(
            mart,
            f"lisensi {name!r} tidak dikenal",
            hint=did_you_mean(name, LICENCES) or f"salah satu dari {', '.join(LICENCES)}",
        )
    return LICENCES[name]
