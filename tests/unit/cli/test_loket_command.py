"""`gudang loket` opens nothing to others, lets nobody in by a made-up log-in on a server, and needs a list of people."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from pathlib import Path

import pytest

from pipelines.cli.server.loket import loket_command, run_loket
from pipelines.contracts.files import contract_paths
from pipelines.errors import GudangError
from pipelines.loket.login import DemoLogin, ProxyLogin
from pipelines.loket.server import make_site
from pipelines.settings import PROJECT_ROOT, Settings
from tests.support.servers import free_port

Gudang = Callable[..., tuple[int, str, str]]
EVERYBODY = "0.0.0.0"  # noqa: S104
URL = "postgresql://127.0.0.1:9/tiada"


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GUDANG_LOKET_URL", URL)
    return str(free_port())


def test_it_is_not_opened_to_other_machines_unasked(gudang: Gudang, port: str) -> None:
    code, _, err = gudang("loket", "--host", EVERYBODY, "--port", port)
    assert code == 1 and "tanpa login" in err
    # A made-up log-in never is, whoever asks.
    code, _, err = gudang("loket", "--demo", "--i-know", "--host", EVERYBODY, "--port", port)
    assert code == 1 and "tanpa login" in err


@pytest.mark.parametrize("demo", [True, False])
def test_beside_dagsters_pages_it_is_open_to_this_machine_alone(*, demo: bool) -> None:
    # Wherever `gudang ui --host ... --i-know` opens them: the page believes the name in X-Forwarded-User.
    options = loket_command(3002, demo=demo)[3:]
    assert options[:5] == ["loket", "--host", "127.0.0.1", "--port", "3002"]
    assert options[5:] == (["--demo"] if demo else [])
    assert "host" not in signature(run_loket).parameters


def test_a_server_has_no_made_up_log_in(gudang: Gudang, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUDANG_DEMO", "tidak")
    code, _, err = gudang("loket", "--demo", "--port", port)
    assert code == 1 and "login buatan tidak dipakai" in err


def test_without_a_list_of_people_it_does_not_start(gudang: Gudang, port: str) -> None:
    code, _, err = gudang("loket", "--port", port)
    assert code == 1 and "GUDANG_LOKET_PENGGUNA" in err and "belum diisi" in err


def test_settings_say_who_may_log_in_and_how_large_a_file_may_be(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, project=PROJECT_ROOT, warehouse_url=None)
    people = tmp_path / "pengguna.yaml"
    people.write_text("rina: [dinkes]\n")
    site = make_site(settings, URL, {"GUDANG_LOKET_PENGGUNA": str(people), "GUDANG_LOKET_MAX_MB": "5"})
    assert isinstance(site.login, ProxyLogin) and site.most_bytes == 5 << 20
    demo = make_site(settings, URL, {}, demo=True)
    assert isinstance(demo.login, DemoLogin) and demo.most_bytes == 200 << 20
    opd = {path.parent.name for path in contract_paths(settings.contracts_dir)}
    assert {name for person in demo.login.users.people for name in person.opd} == opd
    for size in ("0", "-1", "banyak", "99999"):
        with pytest.raises(GudangError, match="GUDANG_LOKET_MAX_MB"):
            make_site(settings, URL, {"GUDANG_LOKET_MAX_MB": size}, demo=True)
