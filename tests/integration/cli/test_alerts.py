"""`gudang alerts send` tries at once what failed before, and its exit code says whether all has arrived."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.alerts.announce import LOCK
from pipelines.cli import main
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse import locks
from tests.support.alerting import House
from tests.support.http_server import Reply, Server, reply

Send = Callable[[], tuple[int, list[str]]]


@pytest.fixture
def send(
    house: House,
    warehouse_url: str,
    http: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Send:
    """Runs `gudang alerts send` in a project of the test's own, with a webhook as its only channel."""
    (tmp_path / "contracts").mkdir()
    shutil.copytree(PROJECT_ROOT / "deploy", tmp_path / "deploy")
    shutil.copytree(PROJECT_ROOT / "dbt_like_sql", tmp_path / "dbt_like_sql")
    for name, value in (
        ("GUDANG_HOME", str(tmp_path / "home")),
        ("GUDANG_PROJECT", str(tmp_path)),
        ("GUDANG_WAREHOUSE_URL", warehouse_url),
        ("GUDANG_DAGSTER_URL", house.dagster_url),
        ("GUDANG_PSEUDONYM_KEY", "k" * 40),
        ("GUDANG_ALERT_WEBHOOK_URL", http.url),
        ("GUDANG_ALERT_WHEN", "always"),
        ("GUDANG_HEALTH_DISK_PERCENT", "0,0"),
    ):
        monkeypatch.setenv(name, value)

    def run() -> tuple[int, list[str]]:
        monkeypatch.setattr(sys, "argv", ["gudang", "alerts", "send"])
        with pytest.raises(SystemExit) as ended:
            main.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), (said.out + said.err).splitlines()

    return run


def test_what_waits_for_its_next_try_is_sent_at_once(send: Send, house: House, http: Server) -> None:
    house.night("2026-11-26")
    http.in_turn(Reply(b"", 500), Reply(b"", 500), reply({}))
    for _ in range(2):
        code, lines = send()
        assert code == 1
        assert lines[-1] == "webhook: 1 belum terkirim (server menjawab HTTP 500)"
    house.run("update ops.alert_delivery set next_try_at = now() + interval '50 minutes'")
    code, lines = send()
    assert code == 0 and len(lines) == 1 and lines[0].startswith("Terkirim ke webhook: "), lines
    assert send() == (0, ["Tidak ada kabar baru."])
    assert len(http.requests) == 3


def test_what_another_process_may_not_have_sent_yet_is_not_called_sent(send: Send, house: House) -> None:
    assert locks.try_queue(house.connection, LOCK)
    assert send() == (1, ["Kabar sedang dikirim oleh proses lain."])


def test_a_message_that_was_refused_for_good_is_not_sent_again(
    send: Send, house: House, http: Server
) -> None:
    house.run(
        "with m as (insert into ops.alert_message (key, kind, document, created_at) values ('k', 'digest',"
        ' \'{"audience": "walidata", "headline": "x"}\', now()) returning message_id)'
        " insert into ops.alert_delivery (message_id, channel, recipient, next_try_at, error)"
        " select message_id, 'webhook', '', 'infinity', 'ditolak' from m"
    )
    assert send() == (0, ["Tidak ada kabar baru."])
    assert http.requests == []
