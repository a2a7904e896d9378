"""Makes the report's sections of indices: those in force first, others as history, each with who assessed it.

Not here: how an index is computed (dbt_like_sql/models/marts/spbe/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.publication import indonesian
from pipelines.publication.report import charts
from pipelines.publication.report.data import Index
from pipelines.publication.report.figures import Figure, Table

ASSESSED = {"resmi": "Penilaian resmi", "mandiri": "Penilaian mandiri", None: "Belum dinilai"}


@dataclass(frozen=True, slots=True)
class IndexSection:
    """An instrument's last index, and its figures by domain and aspect; no figures if nobody assessed it."""

    index: Index
    figures: list[Figure]


def index_sections(rows: Sequence[Index]) -> list[IndexSection]:
    """The instruments whose indicators the province assesses, those in force first: Pemdi, then SPBE as history."""
    found: list[IndexSection] = []
    for instrument in dict.fromkeys((r.instrumen, r.versi) for r in rows if r.asal == "formulir"):
        own = [r for r in rows if (r.instrumen, r.versi) == instrument and r.asal == "formulir"]
        assessed = [r for r in own if r.jenis == "indeks" and r.indeks is not None]
        if assessed:
            last = [r for r in own if r.tahun == assessed[-1].tahun]
            parts = [
                [r for r in last if r.jenis == kind and r.indeks is not None] for kind in ("domain", "aspek")
            ]
            found.append(
                IndexSection(assessed[-1], [_figure(part, assessed[-1].nama) for part in parts if part])
            )
        elif own[-1].berlaku:
            found.append(IndexSection(own[-1], []))
    return found


def index_years(rows: Sequence[Index]) -> list[dict[str, Any]]:
    """Gives a row per assessed index and year, without domains and aspects."""
    return [
        {
            "name": row.nama,
            "year": row.tahun,
            "assessed": assessed_by(row),
            "index": indonesian.number(row.indeks, 2),
            "predikat": row.predikat or indonesian.NONE,
            "target": indonesian.number(row.target_indeks, 2),
            "source": row.keterangan if row.asal == "diumumkan" else f"formulir, {row.versi}",
            "computed": row.asal == "formulir",
        }
        for row in rows
        if row.jenis == "indeks" and row.indeks is not None
    ]


def assessed_by(row: Index) -> str:
    """Who assessed an index, for readers."""
    return ASSESSED[row.jenis_penilaian]


def _figure(rows: Sequence[Index], name: str) -> Figure:
    kind, year = rows[0].jenis, rows[0].tahun
    with_target = [row for row in rows if row.selisih is not None]
    reached = sum(1 for row in with_target if row.selisih is not None and row.selisih >= 0)
    table = Table(
        (kind.capitalize(), "Predikat", "Bobot (%)", "Indeks", "Target", "Selisih", "Indikator terisi"),
        tuple(
            (
                row.nama,
                row.predikat or indonesian.NONE,
                indonesian.number(row.bobot, 1),
                indonesian.number(row.indeks, 2),
                indonesian.number(row.target_indeks, 2),
                indonesian.number(row.selisih, 2),
                f"{row.terisi or 0} dari {row.jumlah_indikator}",
            )
            for row in rows
        ),
        text_columns=2,
    )
    text = f"{assessed_by(rows[0])} tahun {year}."
    if with_target:
        text += f" {reached} dari {len(with_target)} {kind} mencapai target."
    chart = charts.index_chart(rows, f"{name} {year} per {kind}", f"{rows[0].instrumen}-{kind}")
    return Figure(f"{name} per {kind}", text, chart, table)
