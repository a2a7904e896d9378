"""A sample of raw: rows in force only, and no value of a closed column."""

from __future__ import annotations

from pipelines.quality.profile.figures import figures
from pipelines.quality.profile.sample import read_sample
from tests.support.contracts import column
from tests.support.loads import Loads

SECRET = "Planted Value"


def test_a_sample_has_rows_in_force_and_no_closed_value(loads: Loads) -> None:
    contract = loads.contract(
        column("kunci", "integer", primaryKey=True),
        column("gaji", classification="terbatas"),
        column("arah"),
        write_disposition="merge",
        merge_strategy="scd2",
        reconcile="PT20H",
    )
    loads.load(contract, lambda *_: [(str(n), SECRET, "masuk") for n in range(100)])
    loads.load(contract, lambda *_: [(str(n), SECRET, "keluar") for n in range(50)])
    frame, in_force = read_sample(loads.connection, contract, 1000)
    assert (len(frame), in_force) == (50, 50)
    assert SECRET not in frame.to_csv()
    arah = figures(contract, frame)[2]
    assert [(f.text, f.rows) for f in arah.frequent] == [("keluar", 50)]
    smaller, _ = read_sample(loads.connection, contract, 25)
    assert 0 < len(smaller) < 50
