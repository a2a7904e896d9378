"""Draws the report's charts: turns Altair charts into SVG text, without a browser and without the network.

What belongs here: how values become pictures. Not here: which values (data.py), the texts around them (report.py).

Colours: Okabe and Ito's palette (colour-blind safe), darkened where text needs contrast. Position, label or table say
the same as a colour. Altair and vl-convert are imported when a chart is drawn, because the import takes a second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from pipelines.publication.indonesian import short_month
from pipelines.publication.report.data import Index

if TYPE_CHECKING:
    import altair as alt

INK, MUTED, GRID = "#1b2a33", "#51626d", "#dfe6ea"
BLUE, ORANGE, VERMILLION, GREEN = "#0072b2", "#e69f00", "#c44e00", "#00795c"
YEAR_COLOURS = ("#b9d7ea", "#6aa9d0", "#0072b2", "#00446b")
CATEGORY_COLOURS = (BLUE, ORANGE, GREEN, "#b0568f", MUTED)
WIDTH = 880
LABEL_CHARACTERS = 40
_LOCALE: dict[str, Any] = {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["Rp", ""]}
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


def score_chart(scores: Sequence[tuple[str, float]]) -> str:
    """Draws a score of 0 to 100 per OPD. scores: (name, score), the first on top."""
    import altair as alt

    names = [wrap(name, LABEL_CHARACTERS) for name, _ in scores]
    values = [{"opd": name, "skor": score} for name, (_, score) in zip(names, scores, strict=True)]
    x = alt.X("skor:Q", title="skor", axis=alt.Axis(tickCount=5), scale=alt.Scale(domain=[0, 100]))
    base = alt.Chart(alt.Data(values=values)).encode(x=x, y=_lines("opd", names))
    bars = base.mark_bar(height=18, color=BLUE)
    labels = base.mark_text(align="right", dx=-6, fontSize=12, color="white").encode(
        text=alt.Text("skor:Q", format=".1f")
    )
    low = base.mark_text(align="left", dx=6, fontSize=12, color=INK).encode(
        text=alt.Text("skor:Q", format=".1f")
    )
    layers = bars + labels.transform_filter("datum.skor >= 10") + low.transform_filter("datum.skor < 10")
    chart = layers.properties(width=WIDTH - 290, height=alt.Step(34))
    return _svg(chart, "Skor mutu per OPD, 0 sampai 100", "mutu")


def dimension_chart(values: Sequence[tuple[str, str, float | None]]) -> str:
    """Draws scores as a table with shaded cells. values: (dimension, month, score); an unknown score has no cell."""
    import altair as alt

    dimensions, months = [*dict.fromkeys(v[0] for v in values)], [*dict.fromkeys(v[1] for v in values)]
    rows = [{"dimensi": d, "bulan": m, "skor": s} for d, m, s in values if s is not None]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("bulan:O", title=None, sort=months, axis=alt.Axis(labelAngle=0, orient="top")),
        y=alt.Y("dimensi:N", title=None, sort=dimensions),
    )
    shade = alt.Scale(domain=[0, 100], range=["#e8f3fa", "#00446b"])
    cells = base.mark_rect(stroke="white", strokeWidth=2).encode(
        color=alt.Color("skor:Q", scale=shade, legend=None)
    )
    text = base.mark_text(fontSize=13).encode(text=alt.Text("skor:Q", format=".1f"))
    dark = text.transform_filter("datum.skor < 65").encode(color=alt.value(INK))
    light = text.transform_filter("datum.skor >= 65").encode(color=alt.value("white"))
    chart = (cells + dark + light).properties(width=WIDTH - 190, height=alt.Step(34))
    return _svg(chart, "Skor mutu menurut dimensi dan bulan, 0 sampai 100", "dimensi")


def population_chart(place: str, values: Sequence[tuple[str, int, int | None]], prefix: str) -> str:
    """Draws the population per kecamatan in the latest four years.

    values: (kecamatan, year, people). A hidden number (None) has no bar, and its kecamatan has its place all the same.
    """
    import altair as alt

    years = sorted({year for _, year, _ in values})[-len(YEAR_COLOURS) :]
    last = {name: people or 0 for name, year, people in values if year == years[-1]}
    order = sorted({name for name, _, _ in values}, key=lambda name: (-last.get(name, 0), name))
    rows = [
        {"kecamatan": k, "tahun": str(t), "jumlah": n} for k, t, n in values if t in years and n is not None
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("jumlah:Q", title="jiwa", axis=alt.Axis(format=",d", tickCount=6)),
        y=alt.Y("kecamatan:N", title=None, sort=order, scale=alt.Scale(domain=order)),
        yOffset=alt.YOffset("tahun:N", scale=alt.Scale(paddingInner=0.12, paddingOuter=0.0)),
    )
    bars = base.mark_bar().encode(
        color=_colour("tahun", [str(y) for y in years], list(YEAR_COLOURS[-len(years) :]), title="Tahun")
    )
    labels = (
        base.transform_filter(alt.datum.tahun == str(years[-1]))
        .mark_text(align="left", dx=4, fontSize=11, color=INK)
        .encode(text=alt.Text("jumlah:Q", format=",d"))
    )
    # A fixed height per kecamatan, whatever the number of years.
    chart = (bars + labels).properties(width=WIDTH - 190, height=38 * len(order))
    return _svg(chart, f"Penduduk {place} per kecamatan dan tahun", prefix)


def visits_chart(
    values: Sequence[tuple[int, int, str, int]],
    months: Sequence[tuple[int, int]],
    ways: Sequence[str],
    prefix: str,
) -> str:
    """Draws the visits per month, stacked by way of paying. values: (year, month, way, visits), without hidden ones.

    months: (year, month), and ways of paying, in order, also those of which all is hidden.
    """
    import altair as alt

    rows = [{"bulan": short_month(y, m), "cara": c, "jumlah": n} for y, m, c, n in values]
    numbers = [(month, [n for y, m, _, n in values if (y, m) == month]) for month in months]
    totals = [{"bulan": short_month(*month), "jumlah": sum(shown)} for month, shown in numbers if shown]
    order = [short_month(*m) for m in months]
    axis = alt.Axis(labelAngle=0 if len(order) <= 8 else -45)
    x = alt.X("bulan:N", title=None, sort=order, scale=alt.Scale(domain=order), axis=axis)
    bars = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(size=max(10, min(64, 420 // len(order))))
        .encode(
            x=x,
            y=alt.Y("sum(jumlah):Q", title="kunjungan", axis=alt.Axis(format=",d", tickCount=5)),
            color=_colour(
                "cara",
                list(ways),
                [CATEGORY_COLOURS[i % len(CATEGORY_COLOURS)] for i in range(len(ways))],
                "Cara bayar",
            ),
        )
    )
    labels = (
        alt.Chart(alt.Data(values=totals if len(order) <= 12 else []))
        .mark_text(dy=-7, fontSize=11, color=INK)
        .encode(x=x, y="jumlah:Q", text=alt.Text("jumlah:Q", format=",d"))
    )
    chart = (bars + labels).properties(width=WIDTH - 80, height=260)
    return _svg(chart, "Kunjungan puskesmas per bulan menurut cara bayar", prefix)


def index_chart(rows: Sequence[Index], label: str, prefix: str) -> str:
    """Draws the index of every domain or aspect on the scale of 1 to 5, with its target as a tick if it has one."""
    import altair as alt

    names = [wrap(row.nama, LABEL_CHARACTERS) for row in rows]
    values = [
        {"nama": name, "indeks": row.indeks, "target": row.target_indeks, "dasar": 1}
        for name, row in zip(names, rows, strict=True)
    ]
    scale = alt.Scale(domain=[1, 5], nice=False, zero=False)
    x = alt.X("indeks:Q", title="indeks", scale=scale, axis=alt.Axis(values=[1, 2, 3, 4, 5], format="d"))
    base = alt.Chart(alt.Data(values=values)).encode(y=_lines("nama", names))
    bars = base.mark_bar(height=18, color=BLUE).encode(x=x, x2=alt.X2("dasar:Q"))
    # The end of a bar is near its target, so the number is at the bar's foot where it fits.
    text = base.mark_text(align="left", dx=6, fontSize=12).encode(text=alt.Text("indeks:Q", format=".2f"))
    inside = text.encode(x=alt.X("dasar:Q", scale=scale), color=alt.value("white"))
    outside = text.encode(x=alt.X("indeks:Q", scale=scale), color=alt.value(INK))
    labels = inside.transform_filter("datum.indeks >= 1.4") + outside.transform_filter("datum.indeks < 1.4")
    layers = bars
    if any(row.target_indeks is not None for row in rows):
        layers += (
            base.transform_filter("isValid(datum.target)")
            .mark_tick(thickness=3, size=28, opacity=1)
            .encode(x=alt.X("target:Q", scale=scale), color=_colour("ket", ["target"], [INK]))
            .transform_calculate(ket="'target'")
        )
    chart = (layers + labels).properties(width=WIDTH - 290, height=alt.Step(38))
    return _svg(chart, label, prefix)


def wrap(text: str, width: int) -> str:
    """Breaks `text` into lines of at most `width` characters, separated by "|"."""
    lines = [""]
    for word in text.replace("|", "/").split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "|".join(lines)


def _lines(field: str, order: list[str]) -> alt.Y:
    """A vertical axis whose long names are broken into lines (see `wrap`)."""
    import altair as alt

    axis = alt.Axis(labelLimit=290, labelExpr="split(datum.label, '|')")
    return alt.Y(f"{field}:N", title=None, sort=order, axis=axis)


def _colour(field: str, domain: list[str], colours: list[str], title: str | None = None) -> alt.Color:
    import altair as alt

    return alt.Color(
        f"{field}:N",
        scale=alt.Scale(domain=domain, range=colours),
        legend=alt.Legend(title=title, orient="top"),
    )


def _svg(chart: Any, label: str, prefix: str) -> str:
    """The chart as an SVG element for use inside HTML: scalable, named, its ids unique by `prefix`."""
    import vl_convert

    # Names are measured in the first font of _FONT; a reader may have another, which is wider.
    styled = chart.configure(
        font=_FONT,
        background="transparent",
        aria=False,
        padding={"left": 36, "right": 12, "top": 5, "bottom": 5},
    )
    styled = styled.configure_view(stroke=None).configure_axis(
        labelColor=INK,
        titleColor=MUTED,
        titleFontWeight="normal",
        labelFontSize=12,
        titleFontSize=11,
        gridColor=GRID,
        domainColor="#9aa9b2",
        tickColor="#9aa9b2",
        labelLimit=230,
        labelFlush=False,
    )
    styled = styled.configure_axisY(grid=False, ticks=False, labelPadding=8).configure_legend(
        labelColor=INK,
        titleColor=MUTED,
        labelFontSize=12,
        titleFontSize=11,
        titleFontWeight="normal",
        symbolType="square",
    )
    svg = vl_convert.vegalite_to_svg(styled.to_dict(), allowed_base_urls=[], format_locale=_LOCALE)
    return _inline(svg, label, prefix)


def _inline(svg: str, label: str, prefix: str) -> str:
    # Ids count up within a process: renumbered, the same data gives the same bytes.
    known: dict[str, str] = {}

    def renamed(match: re.Match[str]) -> str:
        return match[1] + known.setdefault(match[2], f"{prefix}-{len(known)}")

    svg = re.sub(r'(\bid="|url\(#|href="#)([\w-]+)', renamed, svg)
    # Vega gives each group of marks a role without a name. For a screen reader the chart is one picture.
    svg = re.sub(
        r"<[^>]+>",
        lambda tag: re.sub(r' (?:role="graphics-[a-z]+"|aria-roledescription="[^"]*")', "", tag[0]),
        svg,
    )
    svg = re.sub(
        r"<[^>]+>", lambda tag: re.sub(r"-?\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}", tag[0]), svg
    )
    width, height = re.findall(r'<svg[^>]*viewBox="0 0 (\d+) (\d+)"', svg)[0]
    name = escape(label)
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{name}"'
        f' viewBox="0 0 {width} {height}" style="max-width:{width}px"><title>{name}</title>'
    )
    return re.sub(r"<svg[^>]*>", start, svg, count=1)
