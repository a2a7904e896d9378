"""The data of the demo are the same on every day and in every process, and describe no real person."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from demo.applications import applications
from demo.databases import TABLES
from demo.employment import job_seekers
from demo.indicators import cells
from demo.numbers import age_weights, apportion
from demo.regions import POPULATION, read_seed
from demo.services import air_quality, complaints, ispu, permits, prices
from demo.sheets import assessment, hatcheries, samarinda
from demo.tables import SourceTable
from demo.uploads import FILES, write_files
from tests.support.demo_digest import digest

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def tables() -> dict[str, SourceTable]:
    """All tables of the demo by their names. No test changes them."""
    return {table.name: table for table in (make() for make in TABLES)}


def test_two_processes_make_the_same_bytes(tables: dict[str, SourceTable]) -> None:
    """This process and another one, whose strings have other hashes."""
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    command = [sys.executable, "-m", "tests.support.demo_digest"]
    env = {**os.environ, "PYTHONHASHSEED": seed}
    other = subprocess.Popen(command, cwd=PROJECT, env=env, stdout=subprocess.PIPE, text=True)
    assert digest(tables.values()) == other.communicate()[0].strip()


def test_files_have_their_names_and_the_same_bytes_when_written_again(tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in write_files(tmp_path)}
    after = {path: path.read_bytes() for path in write_files(tmp_path)}
    assert before == after
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()} == set(FILES)


def test_the_demo_has_the_promised_size(tables: dict[str, SourceTable]) -> None:
    rows = {f"{t.database}.{t.name}": len(t.rows) for t in tables.values()}
    assert rows["demo_dkp3a.penduduk_agregat"] == 105 * 2 * 16 * 4 + 3
    assert 55_000 < rows["demo_dinkes.kunjungan"] < 65_000
    assert rows["demo_bapenda.pembayaran_pkb"] == 40_006
    assert [len(make()) for make in (permits, prices, complaints, air_quality)] == [3003, 15004, 2002, 6002]
    assert rows["demo_bpkad.realisasi_apbd"] == 44 * 100 * 5 * 23 + 5
    assert rows["demo_bkd.pegawai"] == 20_005
    assert rows["demo_disdikbud.sekolah"] == 4204
    assert [len(make()) for make in (job_seekers, applications)] == [42 * 10 * 2 * 8 * 6 + 4, 323]
    assert len(cells()) == 10 * 11 * 11 + 1


def test_nik_of_visits_starts_with_a_region_that_does_not_exist(tables: dict[str, SourceTable]) -> None:
    assert all(nik.startswith("99") for nik in values(tables["kunjungan"], "nik"))


def test_plates_have_letters_of_no_region(tables: dict[str, SourceTable]) -> None:
    assert all(re.fullmatch("XX [0-9]{1,4} [A-Z]{1,3}", str(row[1])) for row in tables["pembayaran_pkb"].rows)


def values(table: SourceTable, name: str) -> list[str]:
    index = [c.name for c in table.columns].index(name)
    return [str(row[index]) for row in table.rows]


def test_every_employee_was_appointed_before_being_born_so_no_nip_is_real(
    tables: dict[str, SourceTable],
) -> None:
    """A NIP holds birth, appointment, sex and serial number. Only one is repeated, on purpose."""
    numbers = values(tables["pegawai"], "nip")
    assert all(re.fullmatch("(19|20)[0-9]{6}190[0-9]{6,7}", n) and n[:4] > n[8:12] for n in numbers)
    assert [n for n, count in Counter(numbers).items() if count > 1] == [numbers[-1]]


def test_schools_have_numbers_and_regions_of_no_register(tables: dict[str, SourceTable]) -> None:
    table = tables["sekolah"]
    assert all(n.startswith("999") for n in values(table, "npsn"))
    assert {code[:3] for code in values(table, "kode_wilayah")} == {"169", "170"}
    for row in read_seed("ref_wilayah_dapodik"):
        assert (row["kode_dapodik"] == "160000") != ("bukan kode resmi" in row["dasar"])


def test_budget_line_comes_once_a_month_and_is_not_overspent_in_a_year(
    tables: dict[str, SourceTable],
) -> None:
    def amount(text: str) -> int:
        digits = int(re.sub(r"\D", "", text) or 0)
        return -digits if text.startswith("(") else digits

    *good, _, _, _, _, _ = tables["realisasi_apbd"].rows
    assert max(Counter((r[0], r[3], r[7], r[9]) for r in good).values()) == 1
    spent: Counter[tuple[object, ...]] = Counter()
    budget: dict[tuple[object, ...], int] = {}
    for row in good:
        line = (str(row[0])[:4], row[3], row[7], row[9])
        spent[line] += amount(str(row[12]))
        budget[line] = max(budget.get(line, 0), amount(str(row[11])))
    assert [line for line, sum_ in spent.items() if sum_ > budget[line]] == []


def test_events_are_recorded_on_or_after_their_day_and_until_the_last_day(
    tables: dict[str, SourceTable],
) -> None:
    for row in tables["pembayaran_pkb"].rows:
        assert str(row[2]) <= str(row[8])[:10] <= "2026-11-22"
    for record in permits():
        assert record["tanggal_terbit"] <= record["diperbarui_pada"][:10] <= "2026-11-22"
    for record in complaints():
        assert record["tanggal"] <= record["updated_at"][:10] <= "2026-11-22"


def test_men_of_the_province_sum_to_the_published_figure(tables: dict[str, SourceTable]) -> None:
    rows = [r for r in tables["penduduk_agregat"].rows if r[:2] == (2024, 2)]
    men = sum(int(str(r[5]).replace(".", "")) for r in rows if r[3] == "L")
    assert men == sum(m for m, _ in POPULATION.values())


def test_samarinda_has_60_spellings_of_59_kelurahan_and_the_published_sum() -> None:
    header, *rows = samarinda()
    assert header == ("tahun", "kecamatan", "kelurahan", "kelamin", "umur", "jumlah")
    spelled = {str(r[2]) for r in rows}
    assert len(spelled) == 60
    assert len({re.sub("[^A-Z0-9]", "", s) for s in spelled}) == 59
    assert sum(int(str(r[5])) for r in rows if r[0] == 2024) == 881_225


def test_assessment_has_47_spbe_indicators_a_year_and_17_of_pemdi() -> None:
    rows = list(assessment())
    assert rows[2][:4] == ("Instrumen", "Peraturan", "Tahun", "No")
    spbe = {("SPBE", "59/2020", year): 47 for year in (2024, 2025, 2026)}
    assert Counter(r[:3] for r in rows[3:]) == {**spbe, ("Pemdi", "8/2026", 2026): 17}
    assert not {r[3] for r in rows[3:] if r[0] == "Pemdi"} & {5, 6, 7}
    assert all(1 <= int(str(r[5])) <= int(str(r[6])) <= 5 for r in rows[3:])


def test_rows_of_hatcheries_are_unique() -> None:
    _, *rows = hatcheries()
    assert max(Counter(r[1:6] for r in rows).values()) == 1


def test_visits_stay_within_the_days_of_the_partition(tables: dict[str, SourceTable]) -> None:
    days = {date.fromisoformat(str(row[1])) for row in tables["kunjungan"].rows}
    assert (min(days), max(days), len(days)) == (date(2026, 9, 1), date(2026, 11, 22), 83)


def test_apportioned_parts_sum_to_their_total() -> None:
    assert sum(apportion(881_225, age_weights(92))) == 881_225
    assert apportion(3, [1, 1]) == [2, 1]


def test_ispu_meets_its_breakpoints() -> None:
    assert [ispu(x) for x in (0, 15.5, 55.4, 150.4, 250.4, 500, 900)] == [0, 50, 100, 200, 300, 500, 500]
