"""Writes the figures into docs/benchmarks.md, between its two marks, and the chart into docs/images/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures: `gudang bench --document` writes them -->", "<!-- end of the figures -->"


def write_document(project: Path, runs: Sequence[Any], memory: Mapping[str, tuple[float, float]]) -> None:
    """Replaces the tables of docs/benchmarks.md and its chart by those of this run."""
    path = project / "docs" / "benchmarks.md"
    text = path.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    path.write_text(before + BEGIN + "\n\n" + _tables(runs, memory) + "\n" + after, encoding="utf-8")
    _chart(runs, project / "docs" / "images" / "benchmarks.svg")
    print(f"renewed: {path}")


def _tables(runs: Sequence[Any], memory: Mapping[str, tuple[float, float]]) -> str:
    parts = ["| what | way | seconds | x limit | from, to | peak MB |", "|---|---|---|---|---|---|"]
    for run in runs:
        target = f", target {run.group.target:g}" if run.group.target else ""
        for index, (way, seconds, ratio, spread, peak) in enumerate(run.lines()):
            what = f"**{run.title}**{target}" if index == 0 else ""
            parts.append(
                f"| {what} | {way.replace('|', chr(92) + '|')} | {seconds:.2f} | {ratio:.2f} | {spread} | {peak:.0f} |"
            )
    if memory:
        parts += [
            "",
            "| peak memory of a load, MB | at 100,000 rows | at 5,000,000 rows | ratio |",
            "|---|---|---|---|",
        ]
        for case, (few, many) in memory.items():
            parts.append(f"| {case.removeprefix('gudang_')} | {few:.0f} | {many:.0f} | {many / few:.2f} |")
    return "\n".join(parts) + "\n"


def _chart(runs: Sequence[Any], path: Path) -> None:
    """Draws a bar per way: how many times the limit it took, on a logarithmic axis."""
    import altair as alt
    import pandas as pd

    bars = [
        {
            "what": f"{run.group.title}: {way}",
            "ratio": ratio,
            "who": "gudang" if way.startswith("gudang") else "others",
        }
        for run in runs
        for way, _, ratio, _, _ in run.lines()[1:]
    ]
    base = alt.Chart(pd.DataFrame(bars)).encode(
        y=alt.Y("what:N", sort=None, title=None, axis=alt.Axis(labelLimit=420)),
        x=alt.X("ratio:Q", scale=alt.Scale(type="log", domainMin=0.1), title="times the limit (logarithmic)"),
    )
    limit = alt.Chart(pd.DataFrame({"x": [1]})).mark_rule(strokeDash=[4, 3]).encode(x="x:Q")
    # A logarithmic axis has no zero for a bar to begin at: it begins at the limit.
    bar = base.mark_bar().encode(x2=alt.X2Datum(1), color=alt.Color("who:N", title=None))
    chart = bar + limit
    chart += base.mark_text(align="left", dx=6).encode(text=alt.Text("ratio:Q", format=".2f"))
    path.parent.mkdir(exist_ok=True)
    # Whoever draws it may have a wider font than the one that it was laid out with.
    padding = {"left": 70, "top": 5, "right": 5, "bottom": 5}
    chart.properties(width=420, padding=padding).save(str(path))
