"""Renders the report for people: one static HTML page in Indonesian, without scripts and without other files.

What belongs here: the texts and tables of each section. Not here: queries (data.py), pictures (charts.py), mark-up
(report.html.j2, base.css). The date is a parameter, so the same data gives the same page.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING

from pipelines.publication import indonesian
from pipelines.publication.guard import check_text
from pipelines.publication.report import charts
from pipelines.publication.report.data import (
    DatasetStatus,
    FailedCheck,
    Population,
    ReportData,
    Visits,
)
from pipelines.publication.report.figures import Figure, Table
from pipelines.publication.report.indices import assessed_by, index_sections, index_years
from pipelines.publication.report.quality import quality_figures

if TYPE_CHECKING:
    from jinja2 import Environment

REPORT = "laporan.html"
STATUS = {
    "mutakhir": ("Mutakhir", "●"),
    "terlambat": ("Terlambat", "▲"),
    "menunggu_persetujuan": ("Menunggu persetujuan", "◐"),
    "gagal": ("Gagal", "✕"),
    "belum_ada": ("Belum ada", "○"),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A number on top of the page."""

    label: str
    value: str
    note: str


def render(data: ReportData, as_of: datetime, samples: Collection[str] = ()) -> str:
    """Renders the page. samples: the models that hold made-up rows.

    Raises PublicationError if a value in it is shaped like a NIK.
    """
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            moment=indonesian.moment(as_of),
            year=as_of.year,
            tiles=tiles(data),
            daftar_data=data.daftar_data,
            summary=summary(data.daftar_data),
            quality=quality_figures(data.quality),
            has_sample_scores=any(score.data_contoh for score in data.quality),
            failed_checks=[_failed(check) for check in data.failed_checks],
            quarantine=data.quarantine,
            population=population_figures(data.population),
            visits=visits_figure(data.visits),
            indices=index_sections(data.indices),
            index_years=index_years(data.indices),
            status_words=STATUS,
            samples=frozenset(samples),
        )
    )
    # A picture is not checked: its coordinates have many digits, and its text has the same values as the tables.
    check_text(REPORT, re.sub(r"<(svg|style)\b.*?</\1>", "", page, flags=re.DOTALL))
    return page


def opd_names(lines: Sequence[DatasetStatus]) -> dict[str, str]:
    """The name of each OPD that has a contract, by its short code, as in "dinkes/kunjungan"."""
    return {
        line.dataset.split("/")[0]: line.produsen_data for line in lines if line.dataset and line.ada_kontrak
    }


def tiles(data: ReportData) -> list[Tile]:
    """Makes the numbers on top of the page. Datasets of the agreed list are counted apart from the others."""
    agreed, outside = parts(data.daftar_data)
    if not data.daftar_data:
        return []
    lines = agreed or outside
    of = "butir yang disepakati" if agreed else "dataset dengan kontrak"
    counts = Counter(line.status for line in lines)
    came = sum(line.terakhir_datang is not None for line in lines)
    all_of_them = f"dari {indonesian.number(len(lines))} {of}"
    share = f"{all_of_them} ({indonesian.per_cent(came / len(lines))})"
    late = f"{all_of_them}; selain itu {counts['gagal']} gagal, {counts['belum_ada']} belum ada"
    if undecided := counts["menunggu_persetujuan"]:
        late += f", {indonesian.number(undecided)} menunggu persetujuan walidata"
    with_contract = sum(line.ada_kontrak for line in data.daftar_data)
    found = [
        Tile("Sudah datang", indonesian.number(came), share),
        Tile("Terlambat", indonesian.number(counts["terlambat"]), late),
    ]
    if agreed:
        unpromised = sum(not line.ada_kontrak for line in agreed)
        promised = len(agreed) - unpromised
        note = f"{indonesian.number(promised)} sudah dijanjikan OPD, {indonesian.number(unpromised)} belum"
        found.insert(0, Tile("Butir Daftar Data", indonesian.number(len(agreed)), note))
        if outside:
            found.append(
                Tile("Di luar Daftar Data", indonesian.number(len(outside)), "dataset dengan kontrak")
            )
    else:
        opd = len(opd_names(data.daftar_data))
        found.insert(0, Tile("Dataset dengan kontrak", indonesian.number(with_contract), f"oleh {opd} OPD"))
    rows = sum(line.jumlah_baris or 0 for line in data.daftar_data)
    return [
        *found,
        Tile(
            "Baris data",
            indonesian.number(rows),
            f"kini berlaku, dari {indonesian.number(with_contract)} dataset",
        ),
        Tile("Baris dikarantina", indonesian.number(waiting(data)), "menunggu perbaikan"),
    ]


def parts(lines: Sequence[DatasetStatus]) -> tuple[list[DatasetStatus], list[DatasetStatus]]:
    """The lines of the agreed list, and the datasets with a contract that are not in it."""
    agreed = [line for line in lines if line.kode_daftar is not None]
    return agreed, [line for line in lines if line.kode_daftar is None]


def summary(lines: Sequence[DatasetStatus]) -> list[str]:
    """Describes the statuses of both parts, in a sentence each."""
    agreed, outside = parts(lines)
    described = [
        (agreed, f"Dari {indonesian.number(len(agreed))} butir yang disepakati"),
        (outside, f"Di luar Daftar Data, dari {indonesian.number(len(outside))} dataset dengan kontrak"),
    ]
    return [f"{begin}: {_statuses(part)}." for part, begin in described if part]


def _statuses(lines: Sequence[DatasetStatus]) -> str:
    counts = Counter(line.status for line in lines)
    return ", ".join(f"{counts[key]} {word.lower()}" for key, (word, _) in STATUS.items() if counts[key])


def schedule(line: DatasetStatus) -> str:
    """The agreed schedule; for a dataset outside of the list, the frequency in its contract."""
    if line.jadwal:
        return line.jadwal.capitalize()
    if line.dijanjikan_tiap_hari is None:
        return indonesian.period(None).capitalize()
    return f"Tiap {indonesian.period(line.dijanjikan_tiap_hari)} (kontrak)"


def waiting(data: ReportData) -> int:
    """The number of rows in quarantine, of all datasets."""
    return sum(line.baris_karantina or 0 for line in data.daftar_data)


def population_figures(rows: Sequence[Population]) -> list[Figure]:
    """Makes a figure per kabupaten/kota that has population by kelurahan."""
    places: defaultdict[str, list[Population]] = defaultdict(list)
    for row in rows:
        places[row.kabupaten_kota].append(row)
    return [
        _population_figure(place, found, f"penduduk-{i}") for i, (place, found) in enumerate(places.items())
    ]


def _population_figure(place: str, rows: Sequence[Population], prefix: str) -> Figure:
    years = sorted({row.tahun for row in rows})
    by_kecamatan = {(r.kecamatan, r.tahun): r.jumlah for r in rows if r.desa_kelurahan is None}
    by_kelurahan = {
        (r.kecamatan, r.desa_kelurahan, r.tahun): r.jumlah for r in rows if r.desa_kelurahan is not None
    }
    of_years = {year: [n for (_, y), n in by_kecamatan.items() if y == year] for year in years}
    totals = {year: _sum(numbers) for year, numbers in of_years.items()}
    first, last = years[0], years[-1]
    text = f"Tahun {last} tercatat {indonesian.number(totals[last])} jiwa"
    before, now = totals[first], totals[last]
    # Two totals of which one lacks a hidden kecamatan are not compared.
    if first != last and before and now is not None and None not in (*of_years[first], *of_years[last]):
        direction = "bertambah" if now >= before else "berkurang"
        share = indonesian.per_cent(abs(now - before) / before)
        text += f", {direction} {indonesian.number(abs(now - before))} jiwa ({share}) sejak {first}"
    text += "."
    text += _hidden_people(by_kecamatan.values(), by_kelurahan.values())
    shown = tuple(str(year) for year in years)
    kecamatan = tuple(dict.fromkeys(k for k, _ in by_kecamatan))
    kelurahan = tuple(dict.fromkeys((k, d) for k, d, _ in by_kelurahan))
    return Figure(
        f"Penduduk {place} per kecamatan",
        text,
        charts.population_chart(place, [(k, year, n) for (k, year), n in by_kecamatan.items()], prefix),
        Table(
            ("Kecamatan", *shown),
            tuple((k, *(indonesian.number(by_kecamatan.get((k, y))) for y in years)) for k in kecamatan),
            ("Jumlah", *(indonesian.number(n) for n in totals.values())),
        ),
        Table(
            ("Kecamatan", "Kelurahan/desa", *shown),
            tuple(
                (k, d, *(indonesian.number(by_kelurahan.get((k, d, y))) for y in years)) for k, d in kelurahan
            ),
            text_columns=2,
        ),
        "Angka per kelurahan/desa",
    )


def _hidden_people(kecamatan: Iterable[int | None], kelurahan: Iterable[int | None]) -> str:
    """A sentence about hidden numbers, which says whether the total lacks them; "" if there is none."""
    uncounted = sum(n is None for n in kecamatan)
    hidden = uncounted + sum(n is None for n in kelurahan)
    if not hidden:
        return ""
    text = f" {indonesian.number(hidden)} sel disamarkan agar orang tidak dapat dikenali"
    if uncounted:
        return (
            f"{text}; {indonesian.number(uncounted)} di antaranya jumlah kecamatan, yang tidak ikut dihitung."
        )
    return f"{text}, tetapi ikut dihitung dalam jumlah kecamatannya."


def visits_figure(rows: Sequence[Visits]) -> Figure | None:
    """Makes the figure of visits per month and way of paying; None if there are no visits."""
    if not rows:
        return None
    found: defaultdict[tuple[int, int, str], list[int | None]] = defaultdict(list)
    for row in rows:
        found[row.tahun, row.bulan, row.cara_bayar].append(row.jumlah)
    cells = {key: _sum(numbers) for key, numbers in found.items()}
    months = sorted({(year, month) for year, month, _ in cells})
    ways = sorted({way for _, _, way in cells})
    hidden = sum(row.disembunyikan for row in rows)
    text = f"{indonesian.number(_sum(cells.values()))} kunjungan tercatat dalam {len(months)} bulan."
    if hidden:
        text += f" {indonesian.number(hidden)} sel disamarkan agar orang tidak dapat dikenali, tidak ikut dihitung."
    return Figure(
        "Kunjungan puskesmas per bulan menurut cara bayar",
        text,
        charts.visits_chart(
            [(*key, n) for key, n in sorted(cells.items()) if n is not None], months, ways, "kunjungan"
        ),
        Table(
            ("Bulan", *ways, "Jumlah"),
            tuple(
                (
                    f"{indonesian.MONTH_NAMES[m - 1]} {y}",
                    *(indonesian.number(cells.get((y, m, way))) for way in ways),
                    indonesian.number(_sum(n for key, n in cells.items() if key[:2] == (y, m))),
                )
                for y, m in months
            ),
        ),
    )


def _sum(numbers: Iterable[int | None]) -> int | None:
    """The sum of the numbers that are shown; None if all are hidden."""
    shown = [n for n in numbers if n is not None]
    return sum(shown) if shown else None


def _failed(check: FailedCheck) -> dict[str, str]:
    return {
        "dataset": check.asset.removeprefix("raw/"),
        "check": check.check_name,
        "severity": "Gagal" if check.severity == "error" else "Peringatan",
        "kind": "gagal" if check.severity == "error" else "terlambat",
        "unexpected": indonesian.number(check.unexpected),
        "total": indonesian.number(check.total),
    }


def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    own, shared = resources.files("pipelines.publication.report"), resources.files("pipelines.publication")
    templates: Mapping[str, str] = {
        "report.html.j2": own.joinpath("report.html.j2").read_text("utf-8"),
        "base.css": shared.joinpath("base.css").read_text("utf-8"),
    }
    environment = Environment(
        loader=DictLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": indonesian.number,
        "short_day": indonesian.short_day,
        "schedule": schedule,
        "source": indonesian.source,
        "rule": indonesian.rule,
        "assessed_by": assessed_by,
    }
    return environment
