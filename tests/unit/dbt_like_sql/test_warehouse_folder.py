"""Rules for every seed and model of dbt_like_sql/."""

from __future__ import annotations

import pytest

from pipelines.models.lineage.lineage import column_lineage
from pipelines.models.project import selection
from pipelines.models.project.nodes import Project
from pipelines.models.project.sources import render_sources
from pipelines.settings import PROJECT_ROOT
from tests.support.repository import own_contracts, own_project

FOLDER = PROJECT_ROOT / "dbt_like_sql"
READS_OPS = {"daftar_data", "antrean_nama_wilayah", "bukti_indikator", "fct_mutu_bulanan", "kualitas_data"}
OPEN_MARTS = {
    "keluarga_dtks",
    "keluarga_dtks_jumlah",
    "pencari_kerja_bulanan",
    "pencari_kerja_jumlah",
    "kunjungan_wisata_bulanan",
    "kunjungan_wisata_jumlah",
    "aduan_triwulanan",
    "aduan_jumlah",
    "produksi_sawit",
    "produksi_batubara",
    "daftar_puskesmas",
    "ringkasan_aplikasi",
    "penduduk_kelurahan",
    "penduduk_jumlah",
    "layanan_kesehatan_bulanan",
    "layanan_kesehatan_jumlah",
    "penduduk_umur",
    "harga_pangan_bulanan",
    "kualitas_udara_harian",
    "produksi_benih_ikan",
    "realisasi_apbd_bulanan",
    "penerimaan_pkb_bulanan",
    "penerimaan_pkb_jumlah",
    "pegawai_golongan",
    "pegawai_jumlah",
    "izin_terbit_bulanan",
    "izin_terbit_jumlah",
    "satuan_pendidikan",
    "indikator_strategis",
    "daftar_data",
    "kualitas_data",
    "indeks_spbe",
    "indeks_instrumen",
}
FIRST_PORTAL_COLUMNS = ["kode_provinsi", "nama_provinsi", "kode_kabupaten_kota", "nama_kabupaten_kota"]


@pytest.fixture(scope="module")
def project() -> Project:
    return own_project()


def test_nodes_and_columns_are_described_and_nodes_have_tests(project: Project) -> None:
    for node in project.nodes.values():
        assert node.description, f"{node.name} has no description"
        assert node.columns, f"{node.name} describes no column"
        assert [c.name for c in node.columns if not c.description] == [], node.name
        assert node.tests, f"{node.name} has no test"


def test_every_node_has_a_test_of_a_unique_key(project: Project) -> None:
    """All models above a node would count a repeated row twice."""
    unique = ("unique_", "unique_combination")
    without = [
        n.name for n in project.nodes.values() if not any(test.name.startswith(unique) for test in n.tests)
    ]
    assert without == []


def test_described_columns_are_those_of_the_query(project: Project) -> None:
    for node in project.nodes.values():
        if node.kind != "seed":
            assert [c.name for c in node.columns] == list(column_lineage(project, node.name)), node.name


def test_sources_file_is_rendered_from_the_contracts() -> None:
    rendered = render_sources(own_contracts())
    assert (FOLDER / "models/sources.yml").read_text(encoding="utf-8") == rendered


def test_each_folder_has_one_properties_file_with_its_name() -> None:
    """The files directly in models/ describe exposures and sources, and no model."""
    folders = {path.parent for kind in ("models/**/*.sql", "seeds/**/*.csv") for path in FOLDER.glob(kind)}
    for folder in folders:
        assert [path.name for path in folder.glob("*.yml")] == [f"{folder.name}.yml"], folder
    elsewhere = {
        path.relative_to(FOLDER).as_posix()
        for kind in ("models/**/*.yml", "seeds/**/*.yml")
        for path in FOLDER.glob(kind)
        if path.parent not in folders
    }
    assert elsewhere == {"models/exposures.yml", "models/ops.yml", "models/sources.yml"}


def test_properties_files_have_at_most_300_lines() -> None:
    """Except sources.yml, which is rendered from the contracts and not written by people."""
    long = {
        path.relative_to(FOLDER).as_posix(): lines
        for path in FOLDER.rglob("*.yml")
        if "dbt_packages" not in path.parts
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert long.keys() <= {"models/sources.yml"}, long


def test_model_is_described_in_its_own_folder(project: Project) -> None:
    for node in project.nodes.values():
        described = (node.path.parent / f"{node.path.parent.name}.yml").read_text(encoding="utf-8")
        assert f"  - name: {node.name}\n" in described, node.path


def test_layers_read_downwards_only(project: Project) -> None:
    for node in project.nodes.values():
        if node.schema == "staging":
            assert len(node.sources) == 1, f"{node.name} is the view of one dataset"
        else:
            read = {source for source, _ in node.sources}
            allowed = {"ops"} if node.name in READS_OPS else set[str]()
            assert read <= allowed, f"{node.name} reads raw tables past staging"
        if node.schema == "core":
            read = {project.nodes[name].schema for name in node.depends_on}
            assert not any(schema.startswith("mart_") for schema in read), f"{node.name} reads a mart"


def test_each_staging_view_belongs_to_a_dataset(project: Project) -> None:
    """A dataset needs no staging view: docs/add-a-dataset.md ends with the contract."""
    views = {name for name in project.nodes if name.startswith("stg_")}
    assert views <= {f"stg_{opd}__{table}" for opd, table in project.sources if opd != "ops"}


def test_open_marts_have_their_meta_keys(project: Project) -> None:
    marked = {n.name: n.meta for n in project.nodes.values() if n.meta.get("publikasi") == "terbuka"}
    assert marked.keys() >= OPEN_MARTS
    for meta in marked.values():
        assert {"judul", "satuan", "frekuensi"} <= meta.keys()


def test_open_marts_have_the_columns_order_of_the_portal(project: Project) -> None:
    """Province and kabupaten/kota come first, then dimensions, the value, its unit, and the time."""
    for node in project.nodes.values():
        if node.schema == "mart_satu_data" and node.name not in ("daftar_data", "kualitas_data"):
            names = [c.name for c in node.columns]
            assert names[:4] == FIRST_PORTAL_COLUMNS, node.name
            assert names[names.index("satuan") + 1] == "tahun", node.name


def test_marts_of_one_aggregate_are_in_one_transaction_group(project: Project) -> None:
    """If new cells were published beside old totals, a reader could calculate a hidden cell."""
    for node in project.nodes.values():
        if node.name.startswith("agg_"):
            readers = [n for n in project.nodes.values() if node.name in n.depends_on and n.schema != "core"]
            assert readers, f"no mart reads {node.name}"
            groups = {n.transaction_group for n in readers}
            assert len(groups) == 1, f"{node.name} is published in {sorted(map(str, groups))}"
            assert len(readers) == 1 or groups != {None}, (
                f"the marts of {node.name} are in no transaction group"
            )


def test_codes_stay_text_in_seeds(project: Project) -> None:
    for node in project.nodes.values():
        if node.kind == "seed":
            assert {c.data_type for c in node.columns if c.name.startswith("kode")} <= {"text"}, node.name


def test_tag_referensi_selects_all_reference_tables_and_their_inputs(project: Project) -> None:
    chosen = {node.name for node in selection.select(project, ["tag:referensi"])}
    assert chosen == {name for name in project.nodes if name.startswith("ref_")}
    assert all(set(project.nodes[name].depends_on) <= chosen for name in chosen)
