"""The files that made-up OPD put into the upload zone, good and bad, and what has to become of each.

What belongs here: contracts of the upload datasets, the files' content, the way in which they are put. Not here: when
they are put (month.py), what became of them (account.py).
"""

from __future__ import annotations

import hashlib
import io
import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from openpyxl import Workbook

from tests.support.contracts import column, document, upload, write

OPD = "uji"
DATASETS = {
    "tambah_csv": ("append", "csv"),
    "tambah_xlsx": ("append", "xlsx"),
    "gabung_csv": ("merge", "csv"),
    "ganti_csv": ("replace", "csv"),
}
"""Dataset -> its write disposition, and the kind of its files."""
HEADER = ("id", "tanggal", "nilai", "penanda")
ROWS = 12

Expected = Literal["loaded", "refused", "judged", "left"]
"""What has to become of a file: its rows are in force or were; the file is refused; either; nobody takes it."""
KINDS: dict[str, tuple[int, Expected]] = {
    "good": (58, "loaded"),
    "corrected": (12, "loaded"),
    "same_bytes": (4, "loaded"),
    "half_written": (4, "loaded"),
    "duplicate_keys": (3, "judged"),
    "bad_cells": (3, "judged"),
    "wrong_encoding": (3, "judged"),
    "shifted_header": (3, "refused"),
    "missing_column": (2, "refused"),
    "truncated": (2, "judged"),
    "binary": (1, "refused"),
    "empty": (1, "refused"),
    "odd_name": (1, "loaded"),
    "wrong_name": (1, "left"),
    "unfinished_name": (1, "left"),
    "unknown_folder": (1, "left"),
}
"""Kind of a file -> its share in percent, and what has to become of it."""


@dataclass(frozen=True, slots=True)
class Put:
    """A file as it was put. number: the order of all files. at: machine time when it was complete. ids: its keys."""

    number: int
    dataset: str
    name: str
    kind: str
    sha256: str
    at: float
    ids: tuple[int, ...]

    @property
    def mark(self) -> str:
        """The text in the column `penanda` of its rows."""
        return f"berkas {self.number}"

    @property
    def expected(self) -> Expected:
        """What has to become of it."""
        return KINDS[self.kind][1]


@dataclass
class Senders:
    """The OPD: puts file after file into `zone`, as `chance` has it, and remembers all of them."""

    zone: Path
    chance: random.Random
    puts: list[Put] = field(default_factory=list[Put])
    _threads: list[threading.Thread] = field(default_factory=list[threading.Thread])
    _numbers: int = 0

    def put(self) -> None:
        """Puts one file of a kind and a dataset by chance."""
        kind = self.chance.choices([*KINDS], [share for share, _ in KINDS.values()])[0]
        dataset = self.chance.choice([*DATASETS])
        earlier = [
            p for p in self.puts if p.dataset == f"{OPD}/{dataset}" and p.kind in ("good", "corrected")
        ]
        before = self.chance.choice(earlier[-40:]) if earlier else None
        if kind in ("corrected", "same_bytes") and before is None:
            kind = "good"
        self._numbers += 1
        number = self._numbers
        folder = self.zone / OPD / (f"{dataset}_lama" if kind == "unknown_folder" else dataset)
        folder.mkdir(parents=True, exist_ok=True)
        ids = tuple(number * 1000 + n for n in range(ROWS))
        kind_of_file = DATASETS[dataset][1]
        name = f"{dataset}-{number:05}.{kind_of_file}"
        if kind == "same_bytes" and before:
            path = folder / before.name
            content, ids = path.read_bytes(), before.ids
            name = before.name if self.chance.random() < 0.5 else name
        else:
            if kind == "corrected" and before:
                name, ids = before.name, before.ids
            content = _content(kind, kind_of_file, number, ids)
        name = _name(kind, name)
        put = Put(number, f"{OPD}/{folder.name}", name, kind, hashlib.sha256(content).hexdigest(), 0.0, ids)
        if kind == "half_written":
            thread = threading.Thread(target=self._write_slowly, args=(folder / name, content, put))
            thread.start()
            self._threads.append(thread)
            return
        aside = folder / f".{number}.baru"
        aside.write_bytes(content)
        aside.replace(folder / name)
        self._remember(put)

    def wait(self) -> None:
        """Waits until the files that are written slowly are complete."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _write_slowly(self, path: Path, content: bytes, put: Put) -> None:
        """Writes into the file itself, in parts, as a program does that copies over a slow line."""
        with path.open("wb") as file:
            for begin in range(0, len(content), len(content) // 4 + 1):
                file.write(content[begin : begin + len(content) // 4 + 1])
                file.flush()
                time.sleep(1.5)
        self._remember(put)

    def _remember(self, put: Put) -> None:
        when = time.time()
        self.puts.append(Put(put.number, put.dataset, put.name, put.kind, put.sha256, when, put.ids))


def write_contracts(folder: Path) -> None:
    """Writes the contracts of the upload datasets into the folder of contracts."""
    for dataset, (disposition, kind) in DATASETS.items():
        columns = [
            column("id", "bigint", primaryKey=True),
            column("tanggal", "date", required=True),
            column("nilai", "numeric(12,2)"),
            column("penanda", required=True),
        ]
        extract = {"format": kind, "pattern": f"*.{kind}"}
        key = f"{OPD}/{dataset}"
        write(
            folder, document(key, columns, upload(key, kind), extract=extract, write_disposition=disposition)
        )


def write_models(folder: Path) -> None:
    """Writes a view over each upload dataset, and a table that counts their rows, into the folder of models."""
    staging, core = folder / "staging" / OPD, folder / "core"
    staging.mkdir(parents=True)
    views = [f"stg_{OPD}__{dataset}" for dataset in DATASETS]
    for dataset, view in zip(DATASETS, views, strict=True):
        text = f"select id, tanggal, nilai, penanda from {{{{ source('{OPD}', '{dataset}') }}}}\n"
        (staging / f"{view}.sql").write_text(text, "utf-8")
    (staging / f"{OPD}.yml").write_text(_yaml(views), "utf-8")
    parts = [f"select '{v}' as asal, count(*) as baris from {{{{ ref('{v}') }}}}" for v in views]
    (core / "unggahan_uji").mkdir()
    (core / "unggahan_uji" / "fct_unggahan_uji.sql").write_text("\nunion all\n".join(parts) + "\n", "utf-8")
    (core / "unggahan_uji" / "unggahan_uji.yml").write_text(_yaml(["fct_unggahan_uji"]), "utf-8")


def _yaml(models: Sequence[str]) -> str:
    return "version: 2\n\nmodels:\n" + "".join(f"  - name: {m}\n    description: Uji.\n" for m in models)


def _name(kind: str, name: str) -> str:
    match kind:
        case "odd_name":
            return f"Data  'akhir' (é) {name}"
        case "wrong_name":
            return f"{name}.docx"
        case "unfinished_name":
            return f"{name}.part"
        case _:
            return name


def _rows(number: int, ids: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    for n, key in enumerate(ids):
        yield key, f"2026-{n % 12 + 1:02}-15", f"{key % 977}.{n:02}", f"berkas {number}"


def _content(kind: str, file: str, number: int, ids: Sequence[int]) -> bytes:
    table: list[tuple[Any, ...]] = [HEADER, *_rows(number, ids)]
    match kind:
        case "duplicate_keys":
            table.append((ids[0], "2026-01-01", "1.00", f"berkas {number}"))
        case "bad_cells":
            table[2] = (ids[1], "31 Februari", "seribu", f"berkas {number}")
        case "shifted_header":
            table.insert(0, ("Laporan", "", "", ""))
        case "missing_column":
            table = [row[:3] for row in table]
        case "wrong_encoding":
            table[1] = (*table[1][:3], f"berkas {number} é")
        case "binary":
            return random.Random(number).randbytes(2000)
        case "empty":
            return b""
        case _:
            pass
    content = _csv(kind, table) if file == "csv" else _xlsx(table)
    return content[: len(content) * 2 // 3] if kind == "truncated" else content


def _csv(kind: str, table: Sequence[Sequence[Any]]) -> bytes:
    text = "".join(",".join(map(str, row)) + "\n" for row in table)
    return text.encode("cp1252" if kind == "wrong_encoding" else "utf-8")


def _xlsx(table: Sequence[Sequence[Any]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Data")
    for row in table:
        sheet.append(list(row))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
