from __future__ import annotations

import pytest

from pipelines.errors import GudangError
from pipelines.maintenance import lines
from pipelines.retention.policy import Policy, read_policy
from pipelines.retention.tables import WAREHOUSE_RULES, Pruned, delete_batch


def test_the_environment_changes_single_days() -> None:
    assert read_policy({}) == Policy(events=90, checks=400, loads=400, quarantine=180, uploads=365)
    assert read_policy({"GUDANG_KEEP_UPLOADS": "30"}) == Policy(uploads=30)


@pytest.mark.parametrize("text", ["0", "-1", "30 hari", "1.5", "36501", "9" * 5000])
def test_what_is_no_number_of_days_is_refused(text: str) -> None:
    with pytest.raises(GudangError, match=r"GUDANG_KEEP_EVENTS: .* bukan jumlah hari"):
        read_policy({"GUDANG_KEEP_EVENTS": text})


def test_rows_are_deleted_in_batches() -> None:
    rule = next(rule for rule in WAREHOUSE_RULES if rule.table == ("quarantine", "row"))
    assert delete_batch(rule).as_string(None) == (
        'delete from "quarantine"."row" where ctid = any (array(select t.ctid from "quarantine"."row" as t'
        " where t.state = 'resolved' and t.updated_at < %(before)s and true limit %(rows)s))"
    )


def test_reasons_for_deleting_nothing_are_said_once() -> None:
    results = [
        Pruned("ops.model_run", "pembangunan lama", 3, 2_000_000, 1_500_000),
        Pruned("raw.a", "baris lama", 0, note="tidak ada kolom periode"),
        Pruned("raw.b", "baris lama", 0, note="tidak ada kolom periode"),
        Pruned("raw.c", "baris lama", 0),
    ]
    assert lines(results, dry_run=False) == [
        "ops.model_run: 3 pembangunan lama dihapus (2,0 MB menjadi 1,5 MB)",
        "2 x baris lama tidak dihapus: tidak ada kolom periode (raw.a, raw.b)",
    ]
    assert lines(results[:1], dry_run=True) == [
        "ops.model_run: 3 pembangunan lama akan dihapus (sekarang 2,0 MB)"
    ]
