"""The catalogue describes the files on disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.publication import catalog
from pipelines.publication.catalog import PublishedFile
from pipelines.publication.files import WrittenFile
from pipelines.publication.licences import LICENCES
from pipelines.publication.mart import MartColumn, OpenMart

AT = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
MART = OpenMart(
    name="penduduk",
    schema="mart_satu_data",
    title="Penduduk",
    description="Penduduk per kelurahan.",
    unit="jiwa",
    frequency="tahunan",
    keywords=("penduduk", "kelurahan"),
    columns=(MartColumn("kode", description="Kode Kemendagri."), MartColumn("jumlah"), MartColumn("pada")),
    theme="kependudukan",
)


def published(folder: Path, modified: datetime = AT) -> PublishedFile:
    path = folder / "csv" / "penduduk.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("kode,jumlah,pada\n")
    return PublishedFile(
        "penduduk",
        path,
        "ab" * 32,
        3,
        17,
        True,
        modified,
        NOW,
        ("text", "bigint", "timestamp with time zone"),
    )


def workbook(folder: Path, sha256: str) -> WrittenFile:
    return WrittenFile(folder / "xlsx" / "penduduk.xlsx", sha256, 17, True)


def test_resource_has_path_hash_size_and_types(tmp_path: Path) -> None:
    (entry,) = catalog.resources([published(tmp_path)], [MART], tmp_path, {})
    assert entry["path"] == "csv/penduduk.csv"
    assert entry["hash"] == "sha256:" + "ab" * 32
    assert (entry["bytes"], entry["rows"]) == (17, 3)
    assert [(f["name"], f["type"]) for f in entry["schema"]["fields"]] == [
        ("kode", "string"),
        ("jumlah", "integer"),
        ("pada", "datetime"),
    ]
    assert entry["modified"] == entry["issued"] == "2026-11-24T02:00:00+08:00"
    assert "licenses" not in entry


def test_first_time_of_publication_is_kept(tmp_path: Path) -> None:
    (first,) = catalog.resources([published(tmp_path)], [MART], tmp_path, {})
    later = replace(published(tmp_path, AT + timedelta(days=1)), sha256="cd" * 32)
    (second,) = catalog.resources([later], [MART], tmp_path, {"penduduk": first}, ())
    assert second["issued"] == first["issued"]
    assert second["modified"] == "2026-11-25T02:00:00+08:00"


def test_file_that_stays_the_same_is_not_modified_by_a_later_load(tmp_path: Path) -> None:
    """Not even if the workbook, which explains its columns, is another one."""
    file = replace(published(tmp_path), spreadsheet=workbook(tmp_path, "ef" * 32))
    first = catalog.resources([file], [MART], tmp_path, {})
    later = replace(file, modified=AT + timedelta(days=1), spreadsheet=workbook(tmp_path, "ff" * 32))
    before = {entry["name"]: entry for entry in first}
    csv, xlsx = catalog.resources([later], [MART], tmp_path, before)
    assert csv["modified"] == first[0]["modified"] == "2026-11-24T02:00:00+08:00"
    assert xlsx["modified"] == "2026-11-25T02:00:00+08:00"
    (dataset,) = catalog.dcat(catalog.datapackage([csv, xlsx]))["dcat:dataset"]
    assert dataset["dct:modified"]["@value"] == csv["modified"]


def test_other_rows_of_the_same_data_are_modified_when_they_are_published(tmp_path: Path) -> None:
    """A new query of a mart changes its file, though nothing was loaded since."""
    (first,) = catalog.resources([published(tmp_path)], [MART], tmp_path, {})
    other = replace(published(tmp_path), sha256="cd" * 32)
    (second,) = catalog.resources([other], [MART], tmp_path, {"penduduk": first})
    assert second["modified"] == catalog.in_wita(NOW) > first["modified"]


def test_refused_mart_keeps_its_entry_while_its_file_exists(tmp_path: Path) -> None:
    (entry,) = catalog.resources([published(tmp_path)], [MART], tmp_path, {})
    before = {"penduduk": entry}
    assert catalog.resources([], [MART], tmp_path, before, {"csv/penduduk.csv"}) == [entry]
    assert catalog.resources([], [MART], tmp_path, before, ()) == []


def test_mart_that_is_no_longer_open_is_removed_from_the_catalogue(tmp_path: Path) -> None:
    (entry,) = catalog.resources([published(tmp_path)], [MART], tmp_path, {})
    assert catalog.resources([], [], tmp_path, {"penduduk": entry}, {"csv/penduduk.csv"}) == []


def test_dcat_has_publisher_frequency_keywords_and_file(tmp_path: Path) -> None:
    package = catalog.datapackage(catalog.resources([published(tmp_path)], [MART], tmp_path, {}))
    document = catalog.dcat(package, "https://data.contoh.id/terbuka")
    (dataset,) = document["dcat:dataset"]
    (distribution,) = dataset["dcat:distribution"]
    assert document["@context"]["@base"] == "https://data.contoh.id/terbuka/"
    assert document["dct:publisher"]["foaf:name"]["@value"] == catalog.PUBLISHER
    assert dataset["dct:accrualPeriodicity"]["@id"].endswith("/ANNUAL")
    assert [word["@value"] for word in dataset["dcat:keyword"]] == ["penduduk", "kelurahan"]
    assert dataset["dcat:theme"]["skos:prefLabel"]["@value"] == "kependudukan"
    assert distribution["dcat:downloadURL"]["@id"] == "csv/penduduk.csv"
    assert distribution["spdx:checksum"]["spdx:checksumValue"]["@value"] == "ab" * 32
    assert "dct:license" not in distribution
    assert "@base" not in catalog.dcat(package)["@context"]


def test_licence_producers_and_keywords_are_in_package_and_dcat(tmp_path: Path) -> None:
    """They have the names that Frictionless gives them. The package has those of all its entries."""
    licence = LICENCES["CC-BY-4.0"]
    mart = replace(MART, licence=licence, producers=("Pemerintah Kota A", "Dinas B"))
    roads = replace(mart, name="jalan", keywords=("jalan", "penduduk"), producers=("Dinas B",))
    file = replace(published(tmp_path), spreadsheet=workbook(tmp_path, "ef" * 32))
    entries = catalog.resources(
        [file, replace(published(tmp_path), name="jalan")], [mart, roads], tmp_path, {}
    )
    package = catalog.datapackage(entries, "https://data.contoh.id/terbuka/")
    named = [{"name": "CC-BY-4.0", "title": licence.title, "path": licence.path}]
    assert [entry["licenses"] for entry in package["resources"]] == [named, named, named]
    assert package["licenses"] == named
    assert package["keywords"] == ["jalan", "penduduk", "kelurahan"]
    assert [(agent["title"], agent["roles"]) for agent in package["contributors"]] == [
        (catalog.PUBLISHER, ["publisher"]),
        ("Dinas B", ["creator"]),
        ("Pemerintah Kota A", ["creator"]),
    ]
    assert package["homepage"] == "https://data.contoh.id/terbuka/"
    _, people = catalog.dcat(package)["dcat:dataset"]
    assert [agent["foaf:name"]["@value"] for agent in people["dct:creator"]] == [
        "Pemerintah Kota A",
        "Dinas B",
    ]
    assert [form["dct:license"] for form in people["dcat:distribution"]] == [[{"@id": licence.path}]] * 2


def test_package_of_several_licences_names_none(tmp_path: Path) -> None:
    files = [published(tmp_path), replace(published(tmp_path), name="jalan")]
    free = replace(MART, licence=LICENCES["CC-BY-4.0"])
    for other in (None, LICENCES["ODbL-1.0"]):
        marts = [free, replace(MART, name="jalan", licence=other)]
        assert "licenses" not in catalog.datapackage(catalog.resources(files, marts, tmp_path, {}))


def test_empty_catalogue_has_no_dataset() -> None:
    assert catalog.dcat(catalog.datapackage([]))["dcat:dataset"] == []


def test_made_up_data_are_marked_in_datapackage_and_dcat(tmp_path: Path) -> None:
    """A mart with real rows in the same catalogue is not marked."""
    made_up = replace(MART, sample=True)
    real = replace(MART, name="jalan")
    files = [published(tmp_path), replace(published(tmp_path), name="jalan")]
    entries = catalog.resources(files, [made_up, real], tmp_path, {})
    package = catalog.datapackage(entries)
    by_name = {entry["name"]: entry for entry in package["resources"]}
    assert by_name["penduduk"]["title"] == "Penduduk (data contoh)"
    assert by_name["penduduk"]["description"].startswith(
        "DATA CONTOH untuk peragaan, bukan data sebenarnya. "
    )
    assert by_name["penduduk"]["data_contoh"] is True
    assert by_name["penduduk"]["keywords"] == ["penduduk", "kelurahan", "data contoh"]
    assert "contoh" not in str(by_name["jalan"])
    assert package["description"].startswith("DATA CONTOH")
    datasets = {d["dct:identifier"]: str(d) for d in catalog.dcat(package)["dcat:dataset"]}
    assert "Penduduk (data contoh)" in datasets["penduduk"]
    assert "contoh" not in datasets["jalan"]
    assert "contoh" not in str(catalog.datapackage([by_name["jalan"]]))
