"""What holds for every seed and model of dbt_like_sql/."""

from __future__ import annotations

import pytest

from tests.support.repository import own_contracts, own_project
from tests.support.contracts import load_contracts
from pipelines.models.lineage.lineage import column_lineage
from pipelines.models.project import selection
from pipelines.models.project.nodes import Project
from pipelines.models.project.project import load_project
from pipelines.models.project.sources import render_sources
from pipelines.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "dbt_like_sql"
READS_OPS = {"daftar_data", "antrean_nama_wilayah", "bukti_indikator"}
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
    "indeks_spbe",
    "indeks_instrumen",
}
PORTAL = ["kode_provinsi", "nama_provinsi", "kode_kabupaten_kota", "nama_kabupaten_kota"]


@pytest.fixture(scope="module")
def project() -> Project:
    return own_project()


def test_every_node_and_column_is_described_and_every_node_tested(project: Project) -> None:
    for node in project.nodes.values():
        assert node.description, f"{node.name} has no description"
        assert node.columns, f"{node.name} describes no column"
        assert [c.name for c in node.columns if not c.description] == [], node.name
        assert node.tests, f"{node.name} has no test"


def test_every_relation_has_a_key_that_is_tested(project: Project) -> None:
    """A row that came twice would be counted twice in everything that is made of it."""
    unique = ("unique_", "unique_combination")
    without = [
        n.name for n in project.nodes.values() if not any(test.name.startswith(unique) for test in n.tests)
    ]
    assert without == []


def test_the_columns_described_are_those_that_the_sql_gives(project: Project) -> None:
    for node in project.nodes.values():
        if node.kind != "seed":
            assert [c.name for c in node.columns] == list(column_lineage(project, node.name)), node.name


def test_the_sources_are_those_of_the_contracts() -> None:
    rendered = render_sources(own_contracts())
    assert (FOLDER / "models/sources.yml").read_text(encoding="utf-8") == rendered


def test_a_folder_has_one_properties_file_with_its_name() -> None:
    """What stands in models/ itself describes no model: exposures, and the sources, of which one file is rendered."""
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


def test_no_properties_file_is_longer_than_a_person_reads() -> None:
    """sources.yml nobody reads or writes: it is rendered from the contracts, which have a file per dataset."""
    long = {
        path.relative_to(FOLDER).as_posix(): lines
        for path in FOLDER.rglob("*.yml")
        if "dbt_packages" not in path.parts
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert long.keys() <= {"models/sources.yml"}, long


def test_a_model_is_described_in_its_own_folder(project: Project) -> None:
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


def test_a_staging_view_is_that_of_a_dataset(project: Project) -> None:
    """A new dataset needs none: docs/add-a-dataset.md ends with its contract."""
    views = {name for name in project.nodes if name.startswith("stg_")}
    assert views <= {f"stg_{opd}__{table}" for opd, table in project.sources if opd != "ops"}


def test_the_open_marts_say_so(project: Project) -> None:
    marked = {n.name: n.meta for n in project.nodes.values() if n.meta.get("publikasi") == "terbuka"}
    assert marked.keys() >= OPEN_MARTS
    for meta in marked.values():
        assert {"judul", "satuan", "frekuensi"} <= meta.keys()


def test_open_data_have_the_portals_layout(project: Project) -> None:
    """Province and kabupaten/kota first; then dimensions, the value, its unit, and when."""
    for node in project.nodes.values():
        if node.schema == "mart_satu_data" and node.name != "daftar_data":
            names = [c.name for c in node.columns]
            assert names[:4] == PORTAL, node.name
            assert names[names.index("satuan") + 1] == "tahun", node.name


def test_cells_and_totals_of_one_table_are_published_together(project: Project) -> None:
    """Tonight's cells beside yesterday's totals could give a hidden cell back."""
    for node in project.nodes.values():
        if node.name.startswith("agg_"):
            readers = [n for n in project.nodes.values() if node.name in n.depends_on and n.schema != "core"]
            assert readers, f"nobody publishes {node.name}"
            groups = {n.transaction_group for n in readers}
            assert len(groups) == 1, f"{node.name} is published in {sorted(map(str, groups))}"
            assert len(readers) == 1 or groups != {None}, f"{node.name} lets its cells and totals part"


def test_codes_stay_text_in_seeds(project: Project) -> None:
    for node in project.nodes.values():
        if node.kind == "seed":
            assert {c.data_type for c in node.columns if c.name.startswith("kode")} <= {"text"}, node.name


def test_the_reference_tag_builds_what_the_contracts_refer_to(project: Project) -> None:
    chosen = {node.name for node in selection.select(project, ["tag:referensi"])}
    assert chosen == {name for name in project.nodes if name.startswith("ref_")}
    assert all(set(project.nodes[name].depends_on) <= chosen for name in chosen)
