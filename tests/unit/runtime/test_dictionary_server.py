"""`gudang ui` serves the data dictionary, and nothing else of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pipelines.runtime.dictionary_server import DictionaryServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DictionaryServer]:
    made = DictionaryServer(tmp_path / "kamus", "127.0.0.1", 0)
    made.start()
    yield made
    made.close()


def test_a_page_is_shown_once_it_is_written_and_a_hint_before(
    server: DictionaryServer, tmp_path: Path
) -> None:
    before = requests.get(f"{server.url}/index.html", timeout=5)
    assert before.status_code == 404 and "gudang models docs" in before.text
    (tmp_path / "kamus" / "relasi").mkdir(parents=True)
    (tmp_path / "kamus" / "index.html").write_text("<h1>Kamus</h1>")
    (tmp_path / "rahasia.txt").write_text("rahasia")
    assert requests.get(f"{server.url}/", timeout=5).text == "<h1>Kamus</h1>"
    assert requests.get(f"{server.url}/relasi/", timeout=5).status_code == 404
    assert requests.get(f"{server.url}/%2e%2e/rahasia.txt", timeout=5).status_code == 404


def test_a_taken_port_is_replaced_by_a_free_one(server: DictionaryServer, tmp_path: Path) -> None:
    second = DictionaryServer(tmp_path, "127.0.0.1", int(server.url.rpartition(":")[2]))
    assert second.url != server.url
    second.close()


def test_the_address_is_one_that_a_browser_on_this_machine_can_open(tmp_path: Path) -> None:
    everywhere = DictionaryServer(tmp_path, "0.0.0.0", 0)  # noqa: S104
    assert everywhere.url.startswith("http://127.0.0.1:")
    everywhere.close()
