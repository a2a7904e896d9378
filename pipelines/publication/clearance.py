"""Decides what may leave the warehouse: follows each published column back to the contract that says how open it is.

What belongs here: the rules of adr/024, as a function of models and contracts. A column that cannot be followed,
that no contract describes or that nobody decided about is closed. Not here: how columns are followed
(models/lineage/lineage.py), the check of the values themselves (guard.py).

A mart's `meta.dasar_terbit` says, column by column, on what basis a value from closed data may leave:
`penyamaran` (it comes from a table whose small cells are hidden, adr/018), or `agregat: <why>` (a sum or count over
data that are not about persons). `baris` means which rows there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from pipelines.contracts.model import Contract
from pipelines.models.lineage.lineage import Way, Ways
from pipelines.models.lineage.provenance import ROWS, Use
from pipelines.models.lineage.suppression import cells
from pipelines.models.project.nodes import Project, SourceTable
from pipelines.models.project.properties import read_project_file
from pipelines.publication.mart import Clearance, OpenMart

BASIS = "dasar_terbit"
ROWS_WORD = "baris"
"""What `meta.dasar_terbit` calls the rows of a mart."""
SUPPRESSED, AGGREGATE = "penyamaran", "agregat"
_UNSUPPRESSED = "tidak melewati tabel penyamaran"
HINT = "keluarkan kolom itu dari mart, atau baca docs/models.md#what-may-leave"
LEDGER = "ops"
"""The schema of the warehouse's own tables. Only of these sources the models' YAML says how open they are."""
PERSONS_BELOW, BUSINESSES_BELOW = "ambang_samar", "ambang_badan_usaha"
"""The project's vars below which a cell is hidden."""
OPEN_CLASS, PERSONAL_CLASSES = "terbuka", ("pribadi", "pribadi_spesifik")
_OPEN_OWN = frozenset({"valid_from", "valid_to", "is_current", "deleted_at", "_batch_id", "_loaded_at"})
"""Columns that a load adds and that say nothing of a row's content; they are as open as the rows are."""


@dataclass(frozen=True, slots=True)
class _Closed:
    """Why a place is closed. personal: it is a personal column. about_persons: its table has personal columns.

    known: whether a contract or the ledger says so; else it is closed because nothing is known of it.
    """

    why: str
    personal: bool = False
    about_persons: bool = False
    known: bool = True


def with_clearance(
    project: Project, contracts: Iterable[Contract], marts: Iterable[OpenMart]
) -> tuple[OpenMart, ...]:
    """Gives `marts`, each with its clearance. A dataset without a contract in `contracts` is closed."""
    judge = _Judge(project, contracts)
    return tuple(replace(mart, clearance=judge.clearance(mart)) for mart in marts)


class _Refusal(NamedTuple):
    """Why a column may not leave. unsuppressed: it may if the way went through a table that hides small cells."""

    way: Way
    closed: _Closed
    why: str
    unsuppressed: bool = False


class _Judge:
    """Decides for one project what each mart may publish."""

    def __init__(self, project: Project, contracts: Iterable[Contract]) -> None:
        self._ways = Ways(project)
        self._contracts = {f"raw.{contract.table}": contract for contract in contracts}
        self._nodes = {node.relation: node for node in project.nodes.values()}
        self._project = project
        self._weaknesses: dict[str, str] = {}
        self._sources = {source.relation.dotted: source for source in project.sources.values()}

    def clearance(self, mart: OpenMart) -> Clearance:
        declared, refusals = _declared(mart, self._nodes[mart.relation].meta.get(BASIS))
        faulty, forbidden = bool(refusals), False
        basis: dict[str, str] = {}
        for name in (*(c.name for c in mart.columns), ROWS_WORD):
            column = ROWS if name == ROWS_WORD else name
            ways = map(self._without_weak_suppression, self._ways.of(mart.relation, column))
            closed = [(w, c) for w in ways if (c := self._closed(w))]
            given = declared.get(name)
            if given and not closed:
                refusals.append(
                    f"{mart.relation}: {BASIS} menyebut {name}, yang tidak berasal dari data tertutup"
                )
            elif found := list(_refusals(closed, given)):
                first = found[0]
                note = self._weak_suppression_note(first.way) if first.unsuppressed else ""
                refusals.append(f"{self._shown(first.way)}: {first.why}{note}")
                forbidden = forbidden or any(refusal.closed.known for refusal in found)
            elif given:
                basis[name] = given
        return Clearance(tuple(refusals), basis, forbidden and not faulty)

    def _closed(self, way: Way) -> _Closed | None:
        """Why the end of a way is closed; None where it is open."""
        relation, column = way.source
        if way.unknown:
            return _Closed(f"tidak dapat ditelusuri: {way.unknown}", known=False)
        if contract := self._contracts.get(relation):
            return _closed_by(contract, column)
        source = self._sources.get(relation)
        if source is None or source.relation.schema != LEDGER:
            return _Closed("tidak ada kontraknya", known=False)
        own = _class_of(source, column)
        return None if own == OPEN_CLASS else _Closed(own or "tidak dinyatakan terbuka")

    def _without_weak_suppression(self, way: Way) -> Way:
        """The way, with only those suppressed tables that hide enough."""
        return replace(
            way, suppressed=tuple(name for name in way.suppressed if not self._why_suppression_is_weak(name))
        )

    def _weak_suppression_note(self, way: Way) -> str:
        """Says of the suppressed tables on the way that hide too little why they do not count; "" without one."""
        whys = ((name, self._weaknesses.get(name, "")) for name, _ in way.places)
        return "".join(dict.fromkeys(f" ({name} bukan tabel penyamaran: {why})" for name, why in whys if why))

    def _why_suppression_is_weak(self, relation: str) -> str:
        """Why a table of the suppressing macro hides too little; "" if it hides enough."""
        if relation not in self._weaknesses:
            self._weaknesses[relation] = self._find_weakness(relation)
        return self._weaknesses[relation]

    def _find_weakness(self, relation: str) -> str:
        found = cells(self._nodes[relation].suppression)
        if found is None:
            return "kuncinya tidak dapat dibaca"
        about_persons = False
        keyed: dict[str, set[str]] = {}
        for column in (*found.keys, ROWS):
            for way in self._ways.of(relation, column):
                if way.unknown:
                    return f"kuncinya {column} tidak dapat ditelusuri"
                closed = self._closed(way)
                about_persons = about_persons or (closed is not None and closed.about_persons)
                source, origin = way.source
                contract = self._contracts.get(source)
                if column == ROWS or contract is None or way.use is Use.COUNTED:
                    continue
                if closed is not None and closed.personal:
                    return f"kuncinya {column} berasal dari {contract.key}.{origin} ({closed.why})"
                keyed.setdefault(source, set()).add(origin)
        for source, columns in keyed.items():
            contract = self._contracts[source]
            key = contract.primary_key
            if key and columns.issuperset(key) and any(c.personal for c in contract.columns):
                return f"kuncinya memuat kunci utama {contract.key}, sehingga satu sel adalah satu orang"
        name = PERSONS_BELOW if about_persons else BUSINESSES_BELOW
        least = read_project_file(self._project.root).variables.get(name)
        if not isinstance(least, int):
            return f"{name} di dbt_project.yml bukan bilangan"
        return (
            ""
            if found.below >= least
            else f"ia menyamarkan sel di bawah {found.below}, bukan di bawah {least}"
        )

    def _shown(self, way: Way) -> str:
        """`mart.x <- core.y.nik <- raw dinkes/kunjungan.nik (pribadi)`."""
        places: list[str] = []
        for relation, column in way.places:
            contract = self._contracts.get(relation)
            name = f"raw {contract.key}" if contract else relation
            places.append(f"{name} ({ROWS_WORD})" if column == ROWS else f"{name}.{column}")
        closed = self._closed(way)
        return " <- ".join(places) + (f" ({closed.why})" if closed else "")


def _closed_by(contract: Contract, column: str) -> _Closed | None:
    about_persons = any(c.personal for c in contract.columns)
    known = {c.name: c.classification for c in contract.stored}
    own = known.get(column, OPEN_CLASS if column in (*_OPEN_OWN, ROWS) else "bukan kolom kontrak")
    if own in PERSONAL_CLASSES:
        return _Closed(own, personal=True, about_persons=True)
    if own != OPEN_CLASS:
        return _Closed(own, about_persons=about_persons)
    if about_persons:
        return _Closed("tentang orang: kontraknya memuat kolom pribadi", about_persons=True)
    return None if contract.publish else _Closed("kontraknya tidak memuat publish: true")


def _class_of(source: SourceTable, column: str) -> str:
    if column == ROWS:
        return source.classification
    return next((c.classification for c in source.columns if c.name == column), "")


def _refusals(closed: list[tuple[Way, _Closed]], basis: str | None) -> Iterator[_Refusal]:
    """The reasons why a column may not leave, the gravest first."""
    for way, what in closed:
        if what.personal and way.use is not Use.COUNTED:
            yield _Refusal(way, what, "nilai pribadi tidak pernah terbit, dengan cara apa pun ia diturunkan")
    for way, what in closed:
        if not what.known:
            yield _Refusal(way, what, "yang tidak dapat ditelusuri dianggap tertutup")
    for way, what in closed:
        if not what.known:
            continue
        if basis is None:
            yield _Refusal(way, what, f"ia tertutup, dan {BASIS} tidak memberi dasar untuk terbit")
        elif not way.suppressed and what.about_persons:
            why = f"data tentang orang hanya terbit dengan {SUPPRESSED}, dan jalur ini {_UNSUPPRESSED}"
            yield _Refusal(way, what, why, unsuppressed=True)
        elif not way.suppressed and basis == SUPPRESSED:
            why = f"dasarnya {SUPPRESSED}, tetapi jalur ini {_UNSUPPRESSED}"
            yield _Refusal(way, what, why, unsuppressed=True)
        elif not way.suppressed and way.use is Use.VALUE:
            why = f"dasarnya {AGGREGATE}, tetapi jalur ini membiarkan nilai satuan apa adanya"
            yield _Refusal(way, what, why)


def _declared(mart: OpenMart, value: object) -> tuple[dict[str, str], list[str]]:
    """Reads `meta.dasar_terbit`: gives the basis by column, and the faults in it."""
    if value is None:
        return {}, []
    if not isinstance(value, Mapping):
        return {}, [f"{mart.relation}: {BASIS} bukan daftar kolom dengan dasarnya"]
    declared: dict[str, str] = {}
    faults: list[str] = []
    published = {c.name for c in mart.columns} | {ROWS_WORD}
    for name, basis in cast(Mapping[Any, Any], value).items():
        text = _basis(basis)
        if name not in published:
            faults.append(f"{mart.relation}: {BASIS} menyebut {name}, yang bukan kolom terbitannya")
        elif text is None:
            faults.append(
                f"{mart.relation}: dasar {name} bukan `{SUPPRESSED}` dan bukan `{AGGREGATE}: <sebuah kalimat>`"
            )
        else:
            declared[str(name)] = text
    return declared, faults


def _basis(value: object) -> str | None:
    if value == SUPPRESSED:
        return SUPPRESSED
    if isinstance(value, Mapping) and list(cast(Mapping[Any, Any], value)) == [AGGREGATE]:
        why = " ".join(str(cast(Mapping[Any, Any], value)[AGGREGATE] or "").split())
        return f"{AGGREGATE}: {why}" if len(why.split()) > 2 else None
    return None
