"""The report's section about the quality of data: scores of mart_satu_data.kualitas_data per OPD, dataset and month.

What belongs here: texts and tables. Not here: how a score is calculated (the mart), pictures (charts.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from statistics import fmean

from pipelines.publication import indonesian
from pipelines.publication.report import charts
from pipelines.publication.report.data import QualityScore
from pipelines.publication.report.figures import Figure, Table

COMBINED = "gabungan"
DIMENSIONS = ("akurasi", "kelengkapan", "konsistensi", "aktualitas", "validitas", "keunikan")


def quality_figures(scores: Sequence[QualityScore]) -> list[Figure]:
    """The scores of the latest month per OPD and dataset, and of all months per dimension. Empty without scores."""
    if not scores:
        return []
    months = sorted({(s.tahun, s.bulan) for s in scores})
    latest = [s for s in scores if (s.tahun, s.bulan) == months[-1]]
    return [_per_opd(latest), _per_dimension(scores, months)]


def mean_score(scores: Iterable[QualityScore]) -> float | None:
    """The mean of the scores that are known, None if none is."""
    known = [float(s.skor) for s in scores if s.skor is not None]
    return fmean(known) if known else None


def _per_opd(latest: Sequence[QualityScore]) -> Figure:
    combined = [s for s in latest if s.dimensi == COMBINED]
    by_opd: dict[str, list[QualityScore]] = {}
    for score in combined:
        by_opd.setdefault(score.produsen_data, []).append(score)
    ordered = sorted(by_opd.items(), key=lambda item: (mean_score(item[1]) or 0, item[0]))
    month = f"{indonesian.MONTH_NAMES[combined[0].bulan - 1]} {combined[0].tahun}"
    text = (
        f"Rata-rata skor {indonesian.number(len(combined))} dataset pada {month}: {_score(mean_score(combined))} dari"
        f" 100, dengan {indonesian.number(sum(s.temuan_terbuka for s in combined))} temuan terbuka. Yang paling rendah"
        " di atas. Baris di karantina, sel yang diperbaiki otomatis, dan keterlambatan menurunkan skor, juga bila semua"
        " pemeriksaan lulus."
    )
    rows = tuple((opd, str(len(found)), *_measures(found)) for opd, found in ordered)
    head = ("Skor", "Perubahan", "Temuan terbuka", "Hari perbaikan", "Sel diperbaiki", "Hari terlambat")
    return Figure(
        f"Skor mutu per OPD, {month}",
        text,
        charts.score_chart([(opd, _cut(mean_score(found) or 0)) for opd, found in ordered]),
        Table(("OPD", "Dataset", *head), rows),
        _per_dataset(latest),
        "Skor per dataset dan dimensi",
    )


def _measures(found: Sequence[QualityScore]) -> tuple[str, ...]:
    return (
        _score(mean_score(found)),
        _change(_mean(found, lambda s: s.perubahan)),
        indonesian.number(sum(s.temuan_terbuka for s in found)),
        _score(_mean(found, lambda s: s.hari_perbaikan)),
        indonesian.number(sum(s.sel_diperbaiki for s in found)),
        _score(_mean(found, lambda s: s.hari_terlambat)),
    )


def _mean(found: Iterable[QualityScore], value: Callable[[QualityScore], Decimal | None]) -> float | None:
    known = [float(v) for s in found if (v := value(s)) is not None]
    return fmean(known) if known else None


def _per_dataset(latest: Sequence[QualityScore]) -> Table:
    cells = {(s.dataset, s.dimensi): s.skor for s in latest}
    shown = sorted(
        (s for s in latest if s.dimensi == COMBINED), key=lambda s: (s.produsen_data, s.judul, s.dataset)
    )
    rows = tuple(
        (
            f"{s.judul} (data contoh)" if s.data_contoh else s.judul,
            *(_score(cells.get((s.dataset, dimension))) for dimension in (COMBINED, *DIMENSIONS)),
        )
        for s in shown
    )
    return Table(("Dataset", "Skor", *map(str.capitalize, DIMENSIONS)), rows)


def _per_dimension(scores: Sequence[QualityScore], months: Sequence[tuple[int, int]]) -> Figure:
    found = {
        (dimension, month): mean_score(
            s for s in scores if s.dimensi == dimension and (s.tahun, s.bulan) == month
        )
        for dimension in (COMBINED, *DIMENSIONS)
        for month in months
    }
    weakest = min(DIMENSIONS, key=lambda d: (_or(found[d, months[-1]], 101), d))
    text = f"Rata-rata semua dataset. Yang paling rendah bulan ini: {weakest}."
    names = [indonesian.short_month(*month) for month in months]
    weights = {s.dimensi: indonesian.number(s.bobot) for s in scores if s.dimensi != COMBINED}
    return Figure(
        "Skor mutu menurut dimensi dan bulan",
        text,
        charts.dimension_chart(
            [
                (d.capitalize(), indonesian.short_month(*m), None if value is None else _cut(value))
                for (d, m), value in found.items()
            ]
        ),
        Table(
            ("Dimensi", "Bobot", *names),
            tuple(
                (d.capitalize(), weights.get(d, ""), *(_score(found[d, month]) for month in months))
                for d in (*DIMENSIONS, COMBINED)
            ),
        ),
    )


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _score(value: float | Decimal | None) -> str:
    return indonesian.NONE if value is None else indonesian.number(_cut(value), 1)


def _cut(value: float | Decimal) -> float:
    """With one decimal, cut off and not rounded: only what is perfect is 100."""
    return int(Decimal(str(round(value, 6))) * 10) / 10


def _change(value: float | None) -> str:
    if value is None:
        return indonesian.NONE
    return ("+" if value > 0 else "") + indonesian.number(value, 1)
