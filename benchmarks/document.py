"""Writes the figures into docs/benchmarks.md, between its two marks, and the chart into docs/images/.

The figures of groups that were not measured stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures: `gudang bench --document` writes them -->", "<!-- end of the figures -->"
_HEAD = ["| what | way | seconds | x limit | from, to | peak MB |", "|---|---|---|---|---|---|"]
_MEMORY = ["| peak memory of a load, MB | at 100,000 rows | at 5,000,000 rows | ratio |", "|---|---|---|---|"]


def write_document(
    project: Path, runs: Sequence[Any], memory: Mapping[str, tuple[float, float]], titles: Iterable[str]
) -> None:
    """Puts the figures of this run into the tables of docs/benchmarks.md, and draws its chart.

    titles: of all groups, in the order of the document. Figures of a group that is not among them go.
    """
    path = project / "docs" / "benchmarks.md"
    text = path.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    tables, kept = read_tables(text)
    tables |= {run.group.title: _lines(run) for run in runs}
    rows = [line for title in titles for line in tables.get(title, [])]
    measured = [
        f"| {case.removeprefix('gudang_')} | {few:.0f} | {many:.0f} | {many / few:.2f} |"
        for case, (few, many) in memory.items()
    ] or kept
    parts = [*_HEAD, *rows, *(["", *_MEMORY, *measured] if measured else [])]
    path.write_text(before + BEGIN + "\n\n" + "\n".join(parts) + "\n\n" + after, encoding="utf-8")
    _chart(rows, project / "docs" / "images" / "benchmarks.svg")
    print(f"renewed: {path}")


def read_tables(text: str) -> tuple[dict[str, list[str]], list[str]]:
    """The lines of each group, by its title, and those of the table of memory, as the document has them."""
    lines = [x for x in text[text.index(BEGIN) : text.index(END)].splitlines() if x.startswith("| ")]
    tables: dict[str, list[str]] = {}
    memory: list[str] = []
    title = ""
    for line in lines:
        if line in (_HEAD[0], _MEMORY[0]):
            continue
        cells = _cells(line)
        if len(cells) == 4:
            memory.append(line)
            continue
        if cells[0]:
            title = _title(cells[0])
        tables.setdefault(title, []).append(line)
    return tables, memory


def _cells(line: str) -> list[str]:
    """The cells of a line. A bar inside of a cell is written with a backslash before it."""
    cells = line.replace("\\|", "\0").strip().strip("|").split("|")
    return [cell.strip().replace("\0", "|") for cell in cells]


def _title(cell: str) -> str:
    """The group's title in a first cell, which also has the number of rows and the targets."""
    title = cell.split("**")[1]
    name, _, rows = title.rpartition(", ")
    return name if rows.endswith(" rows") and rows[0].isdigit() else title


def _lines(run: Any) -> list[str]:
    found: list[str] = []
    for index, (way, seconds, ratio, spread, peak) in enumerate(run.lines()):
        targets = f", {run.group.targets}" if run.group.targets else ""
        what = f"**{run.title}**{targets}" if index == 0 else ""
        way = way.replace("|", chr(92) + "|")
        found.append(f"| {what} | {way} | {seconds:.2f} | {ratio:.2f} | {spread} | {peak:.0f} |")
    return found


def _chart(lines: Sequence[str], path: Path) -> None:
    """Draws a bar per way: how many times the limit it took, on a logarithmic axis."""
    import altair as alt
    import pandas as pd

    bars: list[dict[str, Any]] = []
    title = ""
    for line in lines:
        what, way, _, ratio, *_ = _cells(line)
        if what:  # the limit itself
            title = _title(what)
            continue
        who = "gudang" if way.startswith("gudang") else "others"
        bars.append({"what": f"{title}: {way}", "ratio": float(ratio), "who": who})
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
