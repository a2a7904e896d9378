"""The pages of the data dictionary: links have targets, all columns are shown, nothing personal, nothing unescaped."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import urldefrag

import pytest

from pipelines.cli import main
from pipelines.errors import GudangError, PublicationError
from pipelines.findings.catalogue import catalogue, code_of
from pipelines.models.project.project import load_project
from pipelines.publication.dictionary.dictionary import Dictionary, make_dictionary
from pipelines.publication.dictionary.facts import Facts
from pipelines.publication.dictionary.pages import (
    CHECKS,
    CONTENTS,
    FINDINGS,
    GRAPH,
    START,
    page_of_code,
    render_site,
    slug,
    write_site,
)
from pipelines.settings import PROJECT_ROOT
from tests.support.contracts import column, database, document, make
from tests.support.dbt_folder import DbtFolder
from tests.support.repository import own_contracts, own_project

ATTACK = "<script>alert('x')</script><img src=x onerror=y>\" ' &"
PERSONAL = "6472010107900001"
PAGES_OF_CODES = 1 + len(catalogue().entries)
"""The list of all codes, and a page for each."""
PAGES_OF_CHECKS = 3
"""Of the small dictionary: the list of all tables with rules, and a page for each of two."""


class Page(HTMLParser):
    """The ids, links, tags and text of a page, and what a browser would fetch for it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("href", "action") and tag in ("a", "form"):
                self.links.append(value or "")
            elif name in ("src", "srcset", "href", "xlink:href", "data") or name.startswith("on"):
                self.fetched.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    project = own_project()
    return make_dictionary(project, own_contracts())


@pytest.fixture(scope="module")
def site(dictionary: Dictionary) -> Mapping[str, Page]:
    return {path: Page(text) for path, text in render_site(dictionary).items()}


def small_dictionary(root: Path, description: str = "Model kecil.") -> Dictionary:
    """A raw table, a model of it, and an exposure. `description` is used wherever a person may write a text."""
    quoted = "'" + description.replace("'", "''") + "'"
    folder = DbtFolder(root / "dbt_like_sql")
    folder.write(
        "models/sumber.yml",
        "sources:\n  - name: dinkes\n    schema: raw\n"
        "    tables: [{name: pasien, identifier: dinkes__pasien, columns: [{name: nik}, {name: usia}]}]\n"
        "  - name: ops\n    schema: ops\n"
        f"    tables: [{{name: contract, description: {quoted}, columns: [{{name: judul}}]}}]\n",
    )
    folder.write(
        "models/marts/m.sql",
        "select p.usia as \"usia & 'lain'\", '<b>' as tebal from {{ source('dinkes', 'pasien') }} as p",
    )
    folder.write(
        "models/marts/m.yml",
        f"models:\n  - name: m\n    description: {quoted}\n    config: {{meta: {{judul: {quoted}}}}}\n"
        f"    data_tests: [{{unique: {{name: 'uji_<i>', description: {quoted}, arguments: {{column_name: tebal}}}}}}]\n"
        f"    columns:\n      - name: usia & 'lain'\n        description: {quoted}\n"
        f"exposures:\n  - name: laporan\n    type: dashboard\n    label: {quoted}\n    description: {quoted}\n"
        f"    owner: {{name: {quoted}}}\n    depends_on: [ref('m')]\n",
    )
    columns = [
        column("nik", description=description, classification="pribadi", pseudonymise="pasien"),
        column("nama", description="Nama pasien.", classification="pribadi", drop=True),
        column(
            "usia", "integer", businessName=description, satuan=description, missing_values=["rahasia-99"]
        ),
        column("kelas", enum=[{"value": description, "label": description}]),
    ]
    doc = document(
        "dinkes/pasien", columns, database("GUDANG_SUMBER_DINKES_URL"), extract={"table": "tabel_rahasia"}
    )
    doc["description"] = {"purpose": description, "usage": description, "limitations": description}
    doc["name"] = description
    doc["slaProperties"] = [{"property": "frequency", "value": 1, "unit": "d"}]
    contract = make(root / "contracts", doc)
    return make_dictionary(folder.project(), [contract])


def test_every_internal_link_leads_to_a_page_and_an_id_on_it(site: Mapping[str, Page]) -> None:
    broken: list[str] = []
    for path, page in site.items():
        for link in page.links:
            target, anchor = urldefrag(link)
            there = site.get(normpath(join(dirname(path), target)) if target else path)
            if there is None or (anchor and anchor not in there.ids):
                broken.append(f"{path}: {link}")
    assert broken == []
    assert sum(len(page.links) for page in site.values()) > 1000


def test_links_of_unusual_names_and_of_exposures_have_a_target(tmp_path: Path) -> None:
    pages = {path: Page(text) for path, text in render_site(small_dictionary(tmp_path)).items()}
    for path, page in pages.items():
        for target, anchor in map(urldefrag, page.links):
            there = pages[normpath(join(dirname(path), target)) if target else path]
            assert not anchor or anchor in there.ids, f"{path}: {target}#{anchor}"
    assert f"{START}#pemakaian-laporan" in pages[GRAPH].links
    assert (
        "../relasi/core.m.html#kolom-" + slug("usia & 'lain'")
        in pages["relasi/raw.dinkes__pasien.html"].links
    )


def test_ids_of_a_page_are_unique(site: Mapping[str, Page]) -> None:
    assert {path: page.ids for path, page in site.items() if len(set(page.ids)) != len(page.ids)} == {}


def test_described_columns_are_on_the_page_of_their_relation(
    site: Mapping[str, Page],
) -> None:
    project = own_project()
    described = {node.relation: node.columns for node in project.nodes.values()}
    described |= {source.relation.dotted: source.columns for source in project.sources.values()}
    for contract in own_contracts():
        described[f"raw.{contract.table}"] += contract.columns  # type: ignore[operator]
    for relation, columns in described.items():
        page = site[f"relasi/{relation}.html"]
        for each in columns:
            assert f"kolom-{each.name}" in page.ids, f"{relation}.{each.name}"
            assert " ".join(each.description.split()) in " ".join(page.text.split()), (
                f"{relation}.{each.name}"
            )
    assert len(described) == sum(path.startswith("relasi/") for path in site)


def test_texts_of_people_are_escaped(tmp_path: Path) -> None:
    for path, text in render_site(small_dictionary(tmp_path, ATTACK)).items():
        page = Page(text)
        assert ATTACK in page.text or path.startswith("temuan"), path
        assert "img" not in page.tags, path
        assert "b" not in page.tags and "i" not in page.tags, path
        assert page.tags.count("script") == (2 if path == START else 0)
        assert page.fetched == [], path


def test_nothing_is_fetched_and_only_the_script_of_the_page_may_run(
    site: Mapping[str, Page], dictionary: Dictionary
) -> None:
    assert [(path, page.fetched) for path, page in site.items() if page.fetched] == []
    start = render_site(dictionary)[START]
    (script,) = re.findall(r"<script>(.*?)</script>", start, flags=re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert (
        f"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; script-src 'sha256-{allowed}'"
        in start
    )


def test_classes_are_shown_but_no_secret_of_a_source(tmp_path: Path) -> None:
    pages = render_site(small_dictionary(tmp_path))
    raw = Page(pages["relasi/raw.dinkes__pasien.html"]).text
    assert re.search(r"nik\s*text\s*Pribadi disamarkan", raw)
    assert re.search(r"nama\s*Pribadi tidak disimpan", raw)
    assert "Pembaruan tiap1 hari" in raw
    for text in pages.values():
        for secret in ("GUDANG_SUMBER", "rahasia-99", "tabel_rahasia"):
            assert secret not in text


def test_every_code_has_a_page_that_the_list_and_the_search_lead_to(site: Mapping[str, Page]) -> None:
    for code, found in catalogue().entries.items():
        text = " ".join(site[f"temuan/{code}.html"].text.split())
        for part in (found.title, found.sentence, found.fix, found.before, found.after, str(found.severity)):
            assert " ".join(part.split()) in text, code
        assert f"temuan/{code}.html" in site[FINDINGS].links
        assert f'"temuan/{code}.html"' in site[START].text


def test_page_of_a_code_names_the_tables_that_it_is_asked_of(tmp_path: Path) -> None:
    pages = render_site(small_dictionary(tmp_path))
    assert "../relasi/raw.dinkes__pasien.html" in Page(pages[page_of_code(code_of("klasifikasi"))]).links
    assert "Belum ada tabel dengan aturan ini." in Page(pages[page_of_code(code_of("pola"))]).text
    assert "../relasi/core.m.html" in Page(pages[page_of_code(code_of("unique"))]).links
    assert "Semua pemuatan." in Page(pages[page_of_code("GDK-M001")]).text


def test_site_with_a_value_like_a_nik_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(PublicationError) as error:
        write_site(small_dictionary(tmp_path, f"Contoh {PERSONAL}."), tmp_path / "situs")
    assert PERSONAL not in str(error.value)
    assert not (tmp_path / "situs").exists()


def test_site_that_was_made_without_a_warehouse_says_so(tmp_path: Path) -> None:
    made = small_dictionary(tmp_path)
    assert all("Dibuat tanpa sambungan ke gudang" in text for text in render_site(made).values())
    with_facts = make_dictionary(load_project(tmp_path / "dbt_like_sql"), (), Facts())
    assert not any("Dibuat tanpa sambungan" in text for text in render_site(with_facts).values())


def test_writing_again_deletes_only_pages_of_deleted_relations(tmp_path: Path) -> None:
    first = write_site(small_dictionary(tmp_path), tmp_path / "situs")
    assert (first.pages, first.changed) == (
        5 + PAGES_OF_CHECKS + PAGES_OF_CODES,
        5 + PAGES_OF_CHECKS + PAGES_OF_CODES,
    )
    assert write_site(small_dictionary(tmp_path), tmp_path / "situs").changed == 0
    (tmp_path / "situs/relasi/catatan.html").write_text("tulisan orang")
    (tmp_path / "dbt_like_sql/models/marts/m.sql").unlink()
    (tmp_path / "dbt_like_sql/models/marts/m.yml").unlink()
    without = make_dictionary(load_project(tmp_path / "dbt_like_sql"), ())
    assert write_site(without, tmp_path / "situs").removed == (
        "pemeriksaan/core.m.html",
        "pemeriksaan/raw.dinkes__pasien.html",
        "relasi/core.m.html",
    )
    left = {
        path.relative_to(tmp_path / "situs").as_posix()
        for path in (tmp_path / "situs").rglob("*")
        if path.is_file() and path.parent.name != "temuan"
    }
    assert left == {
        FINDINGS, CONTENTS, START, GRAPH, CHECKS, "relasi/catatan.html", "relasi/ops.contract.html", "relasi/raw.dinkes__pasien.html",
    }  # fmt: skip


def test_manipulated_list_of_contents_deletes_nothing_outside_of_the_site(tmp_path: Path) -> None:
    outside = tmp_path / "penting.html"
    outside.write_text("tulisan orang")
    (tmp_path / "situs").mkdir()
    (tmp_path / "situs" / CONTENTS).write_text('["../penting.html", "relasi/../../penting.html"]')
    assert write_site(small_dictionary(tmp_path), tmp_path / "situs").removed == ()
    assert outside.exists()


def test_folder_with_other_files_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "dokumen").mkdir()
    (tmp_path / "dokumen/index.html").write_text("tulisan orang")
    with pytest.raises(GudangError, match="folder ini berisi hal lain"):
        write_site(small_dictionary(tmp_path), tmp_path / "dokumen")
    assert (tmp_path / "dokumen/index.html").read_text() == "tulisan orang"


def test_command_writes_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    small_dictionary(tmp_path)
    sites: list[dict[str, bytes]] = []
    for seed in ("1", "2"):
        out = tmp_path / f"situs{seed}"
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli.main", "models", "docs", "--out", str(out)],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "GUDANG_PROJECT": str(tmp_path),
                "GUDANG_HOME": str(tmp_path / "rumah"),
            },
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        pages = 5 + PAGES_OF_CHECKS + PAGES_OF_CODES
        assert done.stdout == f"{pages} halaman, {pages} berubah, 0 dihapus: {out / START}\n"
        assert "Gudang data belum ada" in done.stderr
        sites.append({p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*.html")})
    assert len(sites[0]) == pages
    assert sites[0] == sites[1]
    assert not (tmp_path / "rumah").exists()


def test_unreachable_warehouse_is_reported_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small_dictionary(tmp_path)
    monkeypatch.setenv("GUDANG_PROJECT", str(tmp_path))
    monkeypatch.setenv("GUDANG_WAREHOUSE_URL", "postgresql://kantor:rahasia@127.0.0.1:1/gudang")
    monkeypatch.setattr(sys, "argv", ["gudang", "models", "docs", "--out", str(tmp_path / "situs")])
    with pytest.raises(SystemExit) as ended:
        main.main()
    errors = capsys.readouterr().err
    assert not ended.value.code
    assert "127.0.0.1" in errors and "dibuat tanpa gudang data" in errors
    assert "rahasia" not in errors + (tmp_path / "situs" / START).read_text()
