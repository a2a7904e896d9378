"""The row of ops.contract for a contract."""

from __future__ import annotations

from pathlib import Path

from pipelines.load.prepare import promised_row
from tests.support.contracts import column, database, document, make
from tests.support.statements import ID, contract_of


def test_contract_has_the_strictest_class_of_its_columns(tmp_path: Path) -> None:
    assert promised_row(contract_of(tmp_path, ID)) == {
        "dataset": "uji/data",
        "title": "Data data",
        "producer": "Dinas uji",
        "domain": "uji",
        "source_kind": "database",
        "frequency_days": None,
        "latency_hours": None,
        "classification": "terbuka",
        "publish": False,
        "column_count": 1,
    }
    person = column("nik", classification="pribadi", pseudonymise="uji")
    assert promised_row(contract_of(tmp_path, ID, person))["classification"] == "pribadi"


def test_frequency_is_in_days_and_latency_in_hours(tmp_path: Path) -> None:
    made = document("uji/data", [ID], database("UJI_URL"), extract={"table": "data"}, publish=True)
    made["slaProperties"] = [
        {"property": "frequency", "value": 12, "unit": "h"},
        {"property": "latency", "value": 2, "unit": "d"},
    ]
    promised = promised_row(make(tmp_path, made))
    assert (promised["frequency_days"], promised["latency_hours"], promised["publish"]) == (0.5, 48, True)
