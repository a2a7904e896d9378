"""The form of SPBE and Pemdi, from its upload to the indices: what its suite rejects, and what is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.sheets import assessment
from demo.tables import Row
from demo.workbook import Sheet, xlsx_bytes
from tests.support.province import Province

KEY = "diskominfo/penilaian_spbe"


@pytest.fixture(scope="module")
def province(module_reference_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    """A warehouse in which the demo's form is loaded."""
    folder = tmp_path_factory.mktemp("provinsi")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GUDANG_UPLOAD_ZONE", str(folder / "unggahan"))
        made = Province(module_reference_url, folder)
        done = made.load(KEY, form(folder, "baik.xlsx"))
        assert done.batch is not None
        assert (done.batch.state, done.batch.loaded, done.batch.quarantined) == ("loaded", 158, 0)
        yield made
        made.connection.close()


def form(folder: Path, name: str, change: Callable[[Row], Row | None] = lambda row: row) -> Path:
    """The demo's form with each row below the header changed, or left out where `change` gives None."""
    title, rows = list(assessment())[:3], list(assessment())[3:]
    changed = [row for row in map(change, rows) if row is not None]
    path = folder / name
    path.write_bytes(xlsx_bytes(Sheet("Penilaian", [*title, *changed])))
    return path


def test_one_form_gives_the_indices_of_both_instruments(province: Province) -> None:
    """The form has SPBE's 47 indicators for three years, and the 17 of Pemdi that come from no other index: 3 x 47
    + 17 = 158 rows. Number 7 of Pemdi comes from the last IPS.
    """
    province.build("+indeks_instrumen")
    assert province.ask("""
        select instrumen, versi, jumlah_indikator, terisi, indeks between 1 and 5 from mart_spbe.indeks_instrumen
        where tahun = 2026 and jenis = 'indeks' and lingkup = 'provinsi' order by 1
    """) == [
        ("epss", "3/2022", 38, 0, None),
        ("pemdi", "8/2026", 20, 18, True),
        ("spbe", "59/2020", 47, 47, True),
    ]


NAMES = "nama_indikator_sesuai"
COMPLETE = "indikator_lengkap"


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda row: None if row[:4] == ("Pemdi", "8/2026", 2026, 20) else row, COMPLETE),
        (lambda row: None if row[:4] == ("SPBE", "59/2020", 2024, 47) else row, COMPLETE),
        (lambda row: (*row[:3], 5, *row[4:]) if row[:4] == ("Pemdi", "8/2026", 2026, 4) else row, NAMES),
        (
            lambda row: (*row[:4], "Salah baris", *row[5:]) if row[0] == "Pemdi" and row[3] == 1 else row,
            NAMES,
        ),
        (lambda row: ("SPBE", "8/2026", *row[2:]) if row[0] == "Pemdi" else row, NAMES),
    ],
    ids=[
        "a line of Pemdi is missing",
        "a line of SPBE is missing",
        "number 5 of Pemdi is not in the form",
        "another name",
        "8/2026 does not have SPBE",
    ],
)
def test_a_form_that_differs_from_its_instrument_is_rejected(
    province: Province, tmp_path: Path, change: Callable[[Row], Row | None], check: str
) -> None:
    done = province.load(KEY, form(tmp_path, "salah.xlsx", change))
    assert done.batch is not None and done.batch.state == "rejected"
    assert check in {c.name for c in done.checks if not c.passed}
    assert province.ask("select count(*) from raw.diskominfo__penilaian_spbe") == [(158,)]
