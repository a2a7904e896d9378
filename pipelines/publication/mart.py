"""Finds out which marts are open, and how they are described to the public.

What belongs here: the opt-in (`meta.publikasi: terbuka` on a model, `meta.terbit: berkas` on an exposure that names it)
as values. Not here: SQL and files.

The other keys of `config.meta`: `judul`, `satuan`, `frekuensi`, `kata_kunci` (list), `tema`, `produsen` (names with a
semicolon between), `lisensi` (licences.py), `kontak_kantor` (list of columns), `dasar_terbit` (clearance.py). A column
is published when the model's properties file describes it, and only then. The exposure's `meta.lisensi` is the licence
of its marts that name none.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pipelines.errors import PublicationError
from pipelines.publication.licences import Licence, licence_of
from pipelines.suggest import did_you_mean

if TYPE_CHECKING:
    from pipelines.models.project.nodes import Node, Project

OPEN = "terbuka"
FILES, REPORT = "berkas", "laporan"
"""What an exposure's `meta.terbit` may say."""
FREQUENCIES = ("harian", "mingguan", "bulanan", "triwulanan", "semesteran", "tahunan", "tidak_tetap")


@dataclass(frozen=True, slots=True)
class MartColumn:
    """A published column. `type` is that of the model's YAML; files.py asks the database for the real one."""

    name: str
    type: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Clearance:
    """Whether a mart may be published, and on what basis. It may if there is no refusal.

    basis: by column, `baris` for its rows; only columns from closed data have one. forbidden: whether a contract closes
    the mart, so that its published files are withdrawn. False if this could not be decided (a contract or the YAML has
    a fault, a query cannot be followed): then the published files stay.
    """

    refusals: tuple[str, ...] = ()
    basis: Mapping[str, str] = field(default_factory=dict[str, str])
    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class OpenMart:
    """A mart that the walidata opened. Only its `columns` leave the warehouse.

    producers: the agencies whose data these are (produsen data).
    published_together: the exposure whose marts are published all or none. companions: the other marts of it.
    office_contacts: columns whose telephone numbers, addresses and accounts are those of offices.
    clearance: whether its lineage allows it (clearance.py); without one it is not published.
    sample: whether rows of it are made up (samples.py).
    """

    name: str
    schema: str
    title: str
    description: str
    unit: str
    frequency: str
    keywords: tuple[str, ...]
    columns: tuple[MartColumn, ...]
    theme: str = ""
    producers: tuple[str, ...] = ()
    licence: Licence | None = None
    published_together: str | None = None
    companions: tuple[str, ...] = ()
    clearance: Clearance | None = None
    office_contacts: tuple[str, ...] = ()
    sample: bool = False

    @property
    def relation(self) -> str:
        """`schema.name`, for people."""
        return f"{self.schema}.{self.name}"

    def __post_init__(self) -> None:
        if not self.columns:
            raise PublicationError(
                self.name, "tidak menguraikan satu kolom pun", hint="uraikan kolomnya di berkas properti"
            )
        if self.frequency and self.frequency not in FREQUENCIES:
            raise PublicationError(
                self.name,
                f"frekuensi {self.frequency!r} tidak dikenal",
                hint=did_you_mean(self.frequency, FREQUENCIES) or f"salah satu dari {', '.join(FREQUENCIES)}",
            )


def open_marts(project: Project) -> tuple[OpenMart, ...]:
    """The open marts of a models project, sorted by name.

    An open mart says `publikasi: terbuka`, and an exposure with `meta.terbit: berkas` names it. Raises PublicationError
    if only one of the two is true, or if a mart describes no column.
    """
    opened = {node.name for node in project.nodes.values() if node.meta.get("publikasi") == OPEN}
    shown = exposed(project, FILES)
    for name in sorted(opened ^ shown):
        if name in opened:
            raise PublicationError(
                name,
                "terbuka, tetapi tidak disebut exposure mana pun",
                hint="tambahkan ke portal_satu_data di exposures.yml",
            )
        hint = "tulis `publikasi: terbuka` pada modelnya, atau keluarkan dari exposure"
        raise PublicationError(name, "disebut exposure berkas terbuka, tetapi tidak terbuka", hint=hint)
    groups: dict[str, set[str]] = {}
    for name in opened:
        if group := project.nodes[name].transaction_group:
            groups.setdefault(group, set()).add(name)
    licences = _licences_of_exposures(project)
    return tuple(
        _open_mart(
            project.nodes[name],
            groups.get(project.nodes[name].transaction_group or "", set()) - {name},
            licences.get(name, ""),
        )
        for name in sorted(opened)
    )


def report_marts(project: Project) -> tuple[OpenMart, ...]:
    """The marts that the report reads, sorted by name. Raises PublicationError."""
    return tuple(_open_mart(project.nodes[name], set()) for name in sorted(exposed(project, REPORT)))


def exposed(project: Project, what: str) -> frozenset[str]:
    """The models that exposures with `meta.terbit: <what>` name."""
    named = (e.depends_on for e in project.exposures.values() if e.meta.get("terbit") == what)
    return frozenset(name for names in named for name in names)


def _licences_of_exposures(project: Project) -> dict[str, str]:
    """By model, the `meta.lisensi` of the exposure with `meta.terbit: berkas` that names it."""
    return {
        name: _text(exposure.meta, "lisensi")
        for exposure in project.exposures.values()
        if exposure.meta.get("terbit") == FILES
        for name in exposure.depends_on
    }


def _open_mart(node: Node, companions: Set[str], licence: str = "") -> OpenMart:
    """licence: the name of the one that the mart has if it names none itself."""
    return OpenMart(
        name=node.name,
        schema=node.schema,
        title=_text(node.meta, "judul") or node.name.replace("_", " ").capitalize(),
        description=node.description.strip(),
        unit=_text(node.meta, "satuan"),
        frequency=_text(node.meta, "frekuensi"),
        keywords=_words(node.meta.get("kata_kunci")),
        columns=tuple(MartColumn(c.name, c.data_type or "", c.description.strip()) for c in node.columns),
        theme=_text(node.meta, "tema"),
        producers=_words(node.meta.get("produsen"), ";"),
        licence=licence_of(node.name, _text(node.meta, "lisensi") or licence),
        published_together=node.transaction_group,
        office_contacts=_words(node.meta.get("kontak_kantor")),
        companions=tuple(sorted(companions)),
    )


def _text(meta: Mapping[str, Any], key: str) -> str:
    return str(meta.get(key) or "").strip()


def _words(value: object, between: str = ",") -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(str(word).strip() for word in cast("list[object]", value))
    return tuple(word.strip() for word in str(value or "").split(between) if word.strip())
