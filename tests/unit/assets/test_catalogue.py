"""What an asset's page links to: every link of the definitions leads to a place that the data dictionary has."""

from __future__ import annotations

import re
from pathlib import Path

import dagster as dg
import pytest

from pipelines.assets.catalogue import PageLinks, quarantine_query, source_kind
from pipelines.definitions import build_definitions
from pipelines.publication.dictionary.dictionary import make_dictionary
from pipelines.publication.dictionary.pages import render_site
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import load_settings
from tests.support.repository import own_contracts, own_project

_LINK = re.compile(r" ?\[silsilah\]\(([^)]+)\)$")


@pytest.fixture(scope="module")
def graph() -> dg.AssetGraph:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GUDANG_DICTIONARY_URL", "/kamus/")
        defs = build_definitions(load_settings({}), warehouse=Warehouse(url="postgresql+psycopg://tiada"))
    return defs.resolve_asset_graph()


def test_every_link_leads_to_a_place_of_the_dictionary(graph: dg.AssetGraph) -> None:
    pages = render_site(make_dictionary(own_project(suites=True), own_contracts()))
    columns = checked = 0
    for key in graph.get_all_asset_keys():
        metadata = graph.get(key).metadata
        if link := metadata.get("kamus_data"):
            assert str(link.value).removeprefix("/kamus/") in pages, key
        if link := metadata.get("pemeriksaan"):
            assert str(link.value).removeprefix("/kamus/") in pages, key
            checked += 1
        schema = metadata.get("dagster/column_schema")
        for column in schema.columns if schema else ():
            found = _LINK.search(column.description or "")
            assert found, (key, column.name)
            page, _, place = found[1].removeprefix("/kamus/").partition("#")
            assert f'id="{place}"' in pages[page], (key, column.name)
            columns += 1
    assert columns > 1000 and checked > 100


def test_every_asset_has_owner_layer_and_files_that_exist(graph: dg.AssetGraph) -> None:
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.owners and node.tags["lapisan"], key
        if references := node.metadata.get("dagster/code_references"):
            files = [Path(reference.file_path) for reference in references.code_references]
            assert files and all(file.is_file() for file in files), key
        else:
            assert key.path[0] == "publication", key


def test_without_an_address_the_page_is_a_file_and_columns_have_no_link() -> None:
    links = PageLinks(None, Path("/data/kamus"), Path("/opt/gudang"))
    assert links.page("core.dim_opd").value == "/data/kamus/relasi/core.dim_opd.html"
    assert links.column("core.dim_opd", "nama", "Nama.") == "Nama."


def test_a_file_is_opened_in_the_browser_if_the_repository_has_an_address() -> None:
    links = PageLinks(None, Path("/k"), Path("/opt/gudang"), "https://git.example/gudang/blob/main")
    files = {"Model": Path("/opt/gudang/dbt_like_sql/a b.sql"), "Lain": Path("/tmp/lain.sql")}
    model, other = links.code(files, 7).code_references
    assert isinstance(model, dg.UrlCodeReference) and isinstance(other, dg.LocalFileCodeReference)
    assert model.url == "https://git.example/gudang/blob/main/dbt_like_sql/a%20b.sql#L7"
    assert (other.file_path, other.line_number) == ("/tmp/lain.sql", 7)


def test_a_source_has_a_kind_with_an_icon_and_a_query_for_its_quarantine() -> None:
    contracts = {c.key: c for c in own_contracts()}
    assert source_kind(contracts["dinkes/kunjungan"]) == "sql"
    assert {source_kind(c) for c in contracts.values()} <= {"sql", "json", "csv", "excel", "parquet"}
    query = str(quarantine_query(contracts["dinkes/kunjungan"]).value)
    assert "where dataset = 'dinkes/kunjungan' and state = 'open'" in query
