"""Real files, as OPD and portals publish them, are loaded by the contracts as they are.

The licences of the files are not stated, so they are not part of the project and are looked for beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.settings import PROJECT_ROOT
from tests.support.province import Province

FILES = PROJECT_ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not FILES.is_dir(), reason="the real files are not beside the project (../shared/data)"
)


@pytest.fixture
def province(reference_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Province]:
    monkeypatch.setenv("GUDANG_UPLOAD_ZONE", str(tmp_path / "unggahan"))
    made = Province(reference_url, tmp_path)
    yield made
    made.connection.close()


def test_samarindas_population_adds_up_and_sixty_spellings_are_fifty_nine_places(province: Province) -> None:
    done = province.load("samarinda/penduduk", FILES / "samarinda_penduduk_2022_2024.xlsx")
    assert done.batch is not None and (done.batch.loaded, done.batch.quarantined) == (28656, 0)
    province.build("+penduduk_kelurahan")
    total = "select sum(jumlah) from mart_satu_data.penduduk_kelurahan where tahun = 2024 and kode_kabupaten_kota = '64.72'"
    assert province.ask(total) == [(881225,)]
    assert province.ask("select count(distinct (kecamatan, kelurahan)) from raw.samarinda__penduduk") == [
        (60,)
    ]
    assert province.ask(
        "select count(distinct kode_desa_kelurahan), count(*) filter (where kode_desa_kelurahan is null)"
        " from mart_satu_data.penduduk_kelurahan"
    ) == [(59, 0)]
    again = province.load("samarinda/penduduk", FILES / "samarinda_penduduk_2022_2024.xlsx")
    assert again.batch is not None and (again.batch.state, again.batch.read) == ("unchanged", 0)


def test_placeholders_in_the_file_of_balikpapan_become_null(province: Province) -> None:
    done = province.load("balikpapan/sekolah", FILES / "balikpapan_sekolah.csv")
    assert done.batch is not None and (done.batch.loaded, done.batch.quarantined) == (341, 0)
    assert province.ask(
        "select count(*), count(*) filter (where '1910-01-01' in (tanggal_sk_pendirian, tanggal_sk_izin_operasional)),"
        " count(lintang), count(bujur), count(*) filter (where akreditasi = 'Tidak diisi') from raw.balikpapan__sekolah"
    ) == [(341, 0, 0, 0, 0)]
    repaired = dict(province.ask("select column_name, rows from ops.load_repair"))
    # 20 times 1910-01-01 and once 1900-01-01 in the file; every latitude is cut to -1 or 0.
    assert (repaired["tanggal_sk_pendirian"], repaired["lintang"]) == (21, 341)


@pytest.mark.parametrize(
    ("key", "file", "rows"),
    [
        ("dkp/pembenihan_ikan", "kaltim_pembenihan_ikan_2024.csv", 41),
        ("disdikbud/sma", "kaltim_sma_2017.csv", 215),
    ],
)
def test_the_small_files_are_loaded_without_a_refused_row(
    province: Province, key: str, file: str, rows: int
) -> None:
    done = province.load(key, FILES / file)
    assert done.batch is not None and (done.batch.loaded, done.batch.quarantined) == (rows, 0)
    if key == "disdikbud/sma":
        ((lowest, highest),) = province.ask("select min(lintang), max(lintang) from raw.disdikbud__sma")
        assert -3 < lowest < -2 and 2 < highest < 3
