"""Demo data: how they are recognised, how long a dataset counts as demo data, and which models do."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.extract import samples
from pipelines.extract.source import open_source
from pipelines.extract.stream import Wanted
from pipelines.extract.upload.inbox import find_uploads
from pipelines.publication.samples import sample_models
from tests.support.contracts import api, column, database, upload
from tests.support.loads import Loads, Row, Rows
from tests.support.repository import own_project


def source_of(*rows: Row) -> Rows:
    return lambda _contract, _since: list(rows)


def has_sample(loads: Loads, contract: Contract) -> bool:
    return loads.state(contract, "has_sample")[0]


@pytest.mark.parametrize("server", [database("GUDANG_SUMBER_A_URL"), api("GUDANG_SUMBER_A_URL")])
def test_a_demo_source_is_recognised_by_the_variables_that_the_demo_sets(
    loads: Loads, server: dict[str, str]
) -> None:
    extract = {"path": "/a", "records": "/data"} if server["type"] == "api" else {"table": "a"}
    contract = loads.contract(column("isi"), server=server, extract=extract)
    assert samples.is_sample(contract, None, {samples.SOURCES: "GUDANG_SUMBER_B_URL,GUDANG_SUMBER_A_URL"})
    assert not samples.is_sample(contract, None, {samples.SOURCES: "GUDANG_SUMBER_B_URL"})
    assert not samples.is_sample(contract, None, {})


def test_a_demo_file_is_recognised_by_its_content(loads: Loads, tmp_path: Path) -> None:
    """A file that an OPD puts beside a file of the demo, or in its place, is real."""
    key = "uji/data"
    contract = loads.contract(
        column("isi"),
        server=upload(key, "csv"),
        extract={"format": "csv", "pattern": "*.csv", "delimiter": ",", "encoding": "utf-8"},
    )
    folder = tmp_path / "zona" / key
    folder.mkdir(parents=True)
    (folder / "peraga.csv").write_text("isi\na\n")
    (folder / "sungguhan.csv").write_text("isi\nb\n")
    listed = samples.hash_list(tmp_path / "home")
    listed.parent.mkdir(parents=True)
    listed.write_text(hashlib.sha256(b"isi\na\n").hexdigest() + "\n")
    env = {"GUDANG_HOME": str(tmp_path / "home")}
    found: dict[str, dict[str, str]] = {}
    for file in find_uploads(tmp_path / "zona", contract):
        stream = open_source(contract, wanted=Wanted(), upload=file, env=env)
        assert stream is not None
        found[file.name] = stream.found
        stream.close()
    assert found == {"peraga.csv": {"data_contoh": "ya"}, "sungguhan.csv": {}}


def test_a_dataset_is_demo_data_while_one_of_its_rows_is(loads: Loads) -> None:
    day = column("hari", "date", required=True)
    partition = {"column": "hari", "every": "daily", "start": "2026-01-01"}
    contract = loads.contract(day, partition=partition)

    def window(number: int) -> Window:
        return Window(date(2026, 1, number), date(2026, 1, number))

    loads.load(contract, source_of(("2026-01-01",)), window=window(1), sample=True)
    assert has_sample(loads, contract)
    loads.load(contract, source_of(("2026-01-02",)), window=window(2))
    assert has_sample(loads, contract)
    loads.load(contract, source_of(("2026-01-01",), ("2026-01-01",)), window=window(1))
    assert not has_sample(loads, contract)


def test_a_load_from_a_real_source_removes_the_mark(loads: Loads) -> None:
    contract = loads.contract(column("isi"))
    loads.load(contract, source_of(("contoh",)), sample=True)
    assert loads.load(contract, source_of(("contoh",)), sample=True).state == "unchanged"
    assert has_sample(loads, contract)
    loads.load(contract, source_of(("sungguhan",)))
    assert not has_sample(loads, contract)


def test_a_model_is_demo_data_if_anything_that_it_reads_is(loads: Loads) -> None:
    project = own_project()
    assert sample_models(loads.connection, project) == frozenset()
    for key, sample in (("samarinda/penduduk", True), ("dlh/ispu", False)):
        loads.load(loads.contract(column("isi"), key=key), source_of(("a",)), sample=sample)
    found = sample_models(loads.connection, project)
    assert {"stg_samarinda__penduduk", "penduduk_kelurahan", "penduduk_jumlah"} <= found
    assert not {"stg_dlh__ispu", "kualitas_udara_harian", "dim_wilayah", "daftar_data"} & found
