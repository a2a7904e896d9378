"""The figures of single groups take their places in the document; those of the other groups stay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.document import BEGIN, END, read_tables, write_document
from benchmarks.groups import GROUPS, TITLES, Group

OLD = f"""# Cost

{BEGIN}

| what | way | seconds | x limit | from, to | peak MB |
|---|---|---|---|---|---|
| **CSV, 1,000,000 rows**, target 2 | cat \\| COPY | 2.00 | 1.00 | 2.00 to 2.00 | 57 |
|  | gudang | 3.00 | 1.50 | 3.00 to 3.00 | 91 |
| **100 SQL models x 3 tests**, target 0.33 | dbt | 9.00 | 1.00 | 9.00 to 9.00 | 20 |

| peak memory of a load, MB | at 100,000 rows | at 5,000,000 rows | ratio |
|---|---|---|---|
| csv | 88 | 92 | 1.05 |

{END}

Why.
"""
NIGHT = Group("malam", "A night", ("limit", "gudang"), sized=False, target=3.0)


@dataclass
class Measured:
    group: Group
    title: str

    def lines(self) -> list[tuple[str, float, float, str, float]]:
        return [("imports | all", 2.0, 1.0, "2.00 to 2.00", 10.0), ("gudang", 4.0, 2.0, "4.00 to 4.00", 20.0)]


def test_other_groups_stay_and_new_ones_come_in_their_order(tmp_path: Path) -> None:
    document = tmp_path / "docs" / "benchmarks.md"
    document.parent.mkdir()
    document.write_text(OLD, "utf-8")
    titles = ["CSV", "A night", "100 SQL models x 3 tests"]
    write_document(tmp_path, [Measured(NIGHT, "A night")], {}, titles)
    text = document.read_text("utf-8")
    tables, memory = read_tables(text)
    assert list(tables) == titles
    assert (
        tables["A night"][0]
        == "| **A night**, target 3 | imports \\| all | 2.00 | 1.00 | 2.00 to 2.00 | 10 |"
    )
    assert tables["CSV"] == read_tables(OLD)[0]["CSV"]
    assert memory == ["| csv | 88 | 92 | 1.05 |"]
    assert text.startswith("# Cost") and text.endswith("Why.\n")
    assert (tmp_path / "docs/images/benchmarks.svg").stat().st_size


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_every_case_of_a_group_has_a_title(group: Group) -> None:
    assert {*group.cases, *group.seconds} <= {*TITLES}
