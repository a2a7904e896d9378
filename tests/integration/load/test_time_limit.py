"""A pattern that takes too long for one cell fails its load with the reason; no table of it is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.files import read_contract
from pipelines.errors import LoadError
from pipelines.quality.gate import check
from tests.support.contracts import column, database, document, write
from tests.support.loads import Loads

DEPTH = 12
ENDLESS = "^" + "(?=a*" * DEPTH + "b" + ")" * DEPTH
"""Each look-ahead is tried at each place of the one around it."""


def test_a_pattern_over_the_time_limit_fails_its_load_only(loads: Loads) -> None:
    contract = loads.contract(
        column("kunci", primaryKey=True),
        column("nama", logicalTypeOptions={"pattern": ENDLESS}),
        write_disposition="merge",
        check_timeout=1,
    )
    loads.load(contract, lambda *_: [["a", "ab"]])
    with pytest.raises(LoadError) as caught:
        loads.load(contract, lambda *_: [["b", "a" * 41]])
    message = str(caught.value)
    assert "memilah baris tidak selesai dalam 1 detik (kolom dengan pattern: nama)" in message
    assert "check_timeout" in message and "aaaa" not in message
    assert loads.raw(contract, "kunci") == [("a",)]
    assert loads.run("select state from ops.load_batch order by batch_id desc limit 1") == [("failed",)]
    left = "select relname from pg_class where relnamespace = 'landing'::regnamespace and relkind = 'r'"
    assert loads.run(left) == []
    assert loads.run("show statement_timeout") == [("0",)]
    assert loads.load(contract, lambda *_: [["b", "aab"]]).loaded == 1


def test_an_expectation_over_the_time_limit_fails_with_the_reason(loads: Loads, tmp_path: Path) -> None:
    contract = loads.contract(column("kunci", primaryKey=True), column("nama"), check_timeout=1)
    suite = tmp_path / "uji" / "data.json"
    suite.parent.mkdir(exist_ok=True)
    suite.write_text(
        '{"name": "uji.data", "expectations": [{"type": "expect_column_values_to_match_regex", "kwargs": {"column":'
        f' "nama", "regex": "{ENDLESS}"}}, "severity": "critical", "meta": {{"nama": "pola"}}}}]}}'
    )
    batch = loads.load(
        contract,
        lambda *_: [["a", "a" * 41]],
        gate=lambda staged: check(staged, tmp_path, loads.url),
    )
    assert batch.state == "rejected"
    assert "pola: Pemeriksaan tidak dapat dijalankan: tidak selesai dalam batas waktunya" in str(batch.error)


@pytest.mark.parametrize("seconds", [0, -1, "satu", 1.5])
def test_a_time_limit_that_is_not_a_number_of_seconds_is_a_fault(tmp_path: Path, seconds: Any) -> None:
    made = document(
        "uji/data", [column("k")], database("UJI_URL"), extract={"table": "t"}, check_timeout=seconds
    )
    contract, faults = read_contract(write(tmp_path, made))
    assert contract is None and ["check_timeout" in f.message for f in faults] == [True]
