"""The search of the data dictionary in a real browser, opened from the file system."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest

from pipelines.publication.dictionary.dictionary import make_dictionary
from pipelines.publication.dictionary.pages import write_site
from tests.support.repository import own_contracts, own_project

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = own_project()
    made = make_dictionary(project, own_contracts())
    return write_site(made, tmp_path_factory.mktemp("situs")).start


def browse(start: Path, profile: Path, **query: str) -> str:
    """The start page after its script has run."""
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("in CI the browser test must run: chromium is not installed")
        pytest.skip("chromium is not installed")
    done = subprocess.run(
        [
            chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            f"--user-data-dir={profile}", "--dump-dom", f"{start.as_uri()}?{urlencode(query)}",
        ],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    return done.stdout


def found(dom: str) -> list[str]:
    """The relations listed as results, in their order; [] while the whole list is shown."""
    (results,) = re.findall(
        r'<ul id="hasil" class="relations"(?: hidden="")?>(.*?)</ul>\s*</section>', dom, flags=re.DOTALL
    )
    return re.findall(r'<li><div><a class="name" href="relasi/(.*?)\.html">', results)


def test_search_lists_matching_names_first_and_links_matching_columns(start: Path, tmp_path: Path) -> None:
    dom = browse(start, tmp_path, q="Kelurahan jumlah")
    relations = found(dom)
    assert "mart_satu_data.penduduk_kelurahan" in relations
    assert f"{len(relations)} tabel cocok." in dom
    assert 'href="relasi/mart_satu_data.penduduk_kelurahan.html#kolom-jumlah"' in dom
    assert '<div id="daftar" hidden="">' in dom
    names = found(browse(start, tmp_path, q="ref_wilayah"))
    nodes = own_project().nodes.values()
    matching = {node.relation for node in nodes if "ref_wilayah" in node.name}
    assert len(matching) >= 4
    assert set(names[: len(matching)]) == matching


def test_filters_are_combined_and_an_empty_search_shows_the_whole_list(start: Path, tmp_path: Path) -> None:
    assert found(browse(start, tmp_path, lapisan="staging", opd="dinkes", jenis="view")) == [
        "staging.stg_dinkes__kunjungan",
        "staging.stg_dinkes__puskesmas",
    ]
    assert "Tidak ada tabel yang cocok." in browse(start, tmp_path, q="tidakmungkinada")
    unfiltered = browse(start, tmp_path)
    assert found(unfiltered) == []
    assert '<div id="daftar">' in unfiltered
