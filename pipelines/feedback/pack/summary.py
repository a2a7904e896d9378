"""What a feedback says in short: counts and examples by code, collected while the findings pass by once.

What belongs here: the summary as a value, and ringkas.json. Not here: the page (page.py), the sheet (workbook.py).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from typing import Any

from pipelines.feedback.entries import OPEN, Finding
from pipelines.feedback.limits import EXAMPLES
from pipelines.findings.catalogue import Entry, Severity, entry
from pipelines.publication.indonesian import moment, number

VERSION = 1
"""Of ringkas.json; raise it when a reader of the old form would misunderstand the new one."""
SCHEMA = "ringkas.schema.json"
SUMMARY_FILE = "ringkas.json"
_ORDER = tuple(Severity)


@dataclass(slots=True)
class Group:
    """The findings of one code and severity. columns: how many by column. examples: the first ones, in file order."""

    entry: Entry
    severity: Severity
    count: int = 0
    columns: Counter[str] = field(default_factory=Counter[str])
    examples: list[Finding] = field(default_factory=list[Finding])

    @property
    def more(self) -> int:
        """How many findings are no examples."""
        return self.count - len(self.examples)


@dataclass(slots=True)
class Summary:
    """A feedback in short. kind: "temuan" (rows or checks), "ditolak" (the load), "tidak_diambil" (files).

    file: the name of the upload, or of the table or API. rows: read, loaded, refused; None if there was no load.
    """

    kind: str
    opd: str
    title: str
    made_at: datetime
    dataset: str | None = None
    batch_id: int | None = None
    file: str | None = None
    rows: tuple[int, int, int] | None = None
    notes: list[str] = field(default_factory=list[str])
    listed: int = 0
    open: int = 0
    resolved: int = 0
    _groups: dict[tuple[str, Severity], Group] = field(default_factory=dict[tuple[str, Severity], Group])

    def add(self, finding: Finding) -> None:
        """Counts a finding, and keeps it as an example if there are few of its code."""
        if finding.state != OPEN:
            self.resolved += 1
            return
        self.open += 1
        key = finding.code, finding.severity
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(entry(finding.code), finding.severity)
        group.count += 1
        group.columns[finding.column] += 1
        if len(group.examples) < EXAMPLES:
            group.examples.append(finding)

    @property
    def groups(self) -> list[Group]:
        """The groups, the most severe and largest first."""
        return sorted(self._groups.values(), key=lambda g: (_ORDER.index(g.severity), -g.count, g.entry.code))

    @property
    def headline(self) -> str:
        """What it is about, in a line."""
        if self.kind == "tidak_diambil":
            return f"{number(self.open)} berkas tidak dapat diambil"
        if self.kind == "ditolak":
            return "Kiriman ini ditolak; tidak ada yang dimuat"
        return f"{number(self.open)} temuan"

    def facts(self) -> Iterator[tuple[str, str]]:
        """Gives pairs of a label and a value about the delivery: who sent what, and the result of the load."""
        yield "OPD", self.opd
        if self.dataset:
            yield "Dataset", f"{self.title} ({self.dataset})"
        if self.batch_id is not None:
            yield "Nomor pemuatan", str(self.batch_id)
        if self.file:
            yield "Berkas atau sumber", self.file
        yield "Dibuat", moment(self.made_at)
        if self.rows:
            read, loaded, refused = (number(count) for count in self.rows)
            yield "Baris", f"{read} dibaca, {loaded} dimuat, {refused} ditahan"
        yield "Temuan", number(self.open)
        if self.resolved:
            yield "Selesai sejak kiriman ini", number(self.resolved)

    def document(self, files: list[str]) -> dict[str, Any]:
        """The value of ringkas.json (ringkas.schema.json). files: names of the files beside it."""
        read, loaded, refused = self.rows or (None, None, None)
        return {
            "versi": VERSION,
            "jenis": self.kind,
            "opd": self.opd,
            "dataset": self.dataset,
            "judul": self.title,
            "nomor_pemuatan": self.batch_id,
            "berkas": self.file,
            "dibuat": self.made_at.isoformat(),
            "baris_dibaca": read,
            "baris_dimuat": loaded,
            "baris_ditahan": refused,
            "temuan_terbuka": self.open,
            "temuan_selesai": self.resolved,
            "temuan_tercantum": self.listed,
            "menurut_kode": [
                {
                    "kode": group.entry.code,
                    "tingkat": group.severity.value,
                    "judul": group.entry.title,
                    "diharapkan": group.entry.sentence,
                    "perbaikan": group.entry.fix_for_opd,
                    "jumlah": group.count,
                    "menurut_kolom": {name: n for name, n in group.columns.most_common() if name},
                }
                for group in self.groups
            ],
            "catatan": self.notes,
            "isi_folder": files,
        }

    def as_json(self, files: list[str]) -> str:
        """The text of ringkas.json."""
        return json.dumps(self.document(files), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON schema of ringkas.json."""
    return json.loads(resources.files("pipelines.feedback.pack").joinpath(SCHEMA).read_text(encoding="utf-8"))
