"""The demo is the same on every day, in every process; its people are nobody."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

from demo.databases import TABLES
from demo.dukcapil import penduduk_agregat
from demo.health import kunjungan
from demo.numbers import age_weights, apportion
from demo.regions import POPULATION
from demo.services import air_quality, complaints, ispu, permits, prices
from demo.sheets import assessment, hatcheries, samarinda
from demo.tax import pembayaran_pkb
from demo.uploads import FILES, write_files

PROJECT = Path(__file__).parents[3]
DIGEST = """
import hashlib
from demo.databases import TABLES
from demo.services import air_quality, complaints, permits, prices
from demo.uploads import FILES
digest = hashlib.sha256()
for make in (*TABLES, permits, prices, complaints, air_quality):
    digest.update(repr(make()).encode())
for make in FILES.values():
    digest.update(make())
print(digest.hexdigest())
"""


def test_two_processes_make_the_same_bytes() -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", DIGEST],
            cwd=PROJECT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    first, second = (run.communicate()[0].strip() for run in runs)
    assert len(first) == 64
    assert first == second


def test_files_appear_under_their_names_and_writing_again_changes_nothing(tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in write_files(tmp_path)}
    after = {path: path.read_bytes() for path in write_files(tmp_path)}
    assert before == after
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()} == set(FILES)


def test_the_demo_has_the_promised_size() -> None:
    rows = {f"{t.database}.{t.name}": len(t.rows) for t in (make() for make in TABLES)}
    assert rows["demo_dkp3a.penduduk_agregat"] == 105 * 2 * 16 * 4 + 3
    assert 55_000 < rows["demo_dinkes.kunjungan"] < 65_000
    assert rows["demo_bapenda.pembayaran_pkb"] == 40_006
    assert [len(make()) for make in (permits, prices, complaints, air_quality)] == [3003, 15004, 2002, 6002]


def test_nobody_in_the_visits_can_be_real() -> None:
    table = kunjungan()
    names = [c.name for c in table.columns]
    assert all(str(row[names.index("nik")]).startswith("99") for row in table.rows)


def test_no_vehicle_has_a_plate_of_a_region() -> None:
    assert all(re.fullmatch("XX [0-9]{1,4} [A-Z]{1,3}", str(row[1])) for row in pembayaran_pkb().rows)


def test_nothing_happens_before_it_was_written_down_or_after_the_last_day() -> None:
    for row in pembayaran_pkb().rows:
        assert str(row[2]) <= str(row[8])[:10] <= "2026-11-22"
    for record in permits():
        assert record["tanggal_terbit"] <= record["diperbarui_pada"][:10] <= "2026-11-22"
    for record in complaints():
        assert record["tanggal"] <= record["updated_at"][:10] <= "2026-11-22"


def test_population_sums_to_the_published_figure() -> None:
    rows = [r for r in penduduk_agregat().rows if r[:2] == (2024, 2)]
    men = sum(int(str(r[5]).replace(".", "")) for r in rows if r[3] == "L")
    assert men == sum(m for m, _ in POPULATION.values())


def test_samarinda_spells_59_kelurahan_in_60_ways_and_sums_to_the_published_figure() -> None:
    header, *rows = samarinda()
    assert header == ("tahun", "kecamatan", "kelurahan", "kelamin", "umur", "jumlah")
    spelled = {str(r[2]) for r in rows}
    assert len(spelled) == 60
    assert len({re.sub("[^A-Z0-9]", "", s) for s in spelled}) == 59
    assert sum(int(str(r[5])) for r in rows if r[0] == 2024) == 881_225


def test_the_form_has_47_indicators_a_year_below_its_third_row() -> None:
    rows = list(assessment())
    assert rows[2][0] == "Tahun"
    assert Counter(r[0] for r in rows[3:]) == {2024: 47, 2025: 47, 2026: 47}
    assert all(1 <= int(str(r[3])) <= int(str(r[4])) <= 5 for r in rows[3:])


def test_a_hatchery_row_comes_once() -> None:
    _, *rows = hatcheries()
    assert max(Counter(r[1:6] for r in rows).values()) == 1


def test_visits_stay_within_the_days_of_the_partition() -> None:
    days = {date.fromisoformat(str(row[1])) for row in kunjungan().rows}
    assert (min(days), max(days), len(days)) == (date(2026, 9, 1), date(2026, 11, 22), 83)


def test_apportioned_parts_sum_to_their_total() -> None:
    assert sum(apportion(881_225, age_weights(92))) == 881_225
    assert apportion(3, [1, 1]) == [2, 1]


def test_ispu_meets_its_breakpoints() -> None:
    assert [ispu(x) for x in (0, 15.5, 55.4, 150.4, 250.4, 500, 900)] == [0, 50, 100, 200, 300, 500, 500]
