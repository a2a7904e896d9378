"""`gudang ui` says in a sentence which process of Dagster has died, starts it again, and leaves none at its end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from pipelines.cli.server.services import dagster_commands, keep_services
from pipelines.runtime.processes import MOST_SHORT_LIVES


def children(program: str) -> list[psutil.Process]:
    return [p for p in psutil.Process().children() if p.name() == program and p.status() != "zombie"]


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_process_is_started_again_and_the_others_go_on(tmp_path: Path) -> None:
    said: list[str] = []
    commands = {"daemon": ["sleep", "600"], "halaman web": ["tail", "-f", "/dev/null"]}
    with keep_services(commands, tmp_path, said.append) as given_up:
        (first,), (other,) = children("sleep"), children("tail")
        first.kill()
        wait_for(lambda: said)
        assert said == [
            f"Dagster: daemon berhenti (dimatikan dengan sinyal {signal.SIGKILL:d}), dijalankan lagi."
        ]
        (second,) = children("sleep")
        assert second.pid != first.pid and children("tail") == [other]
        assert not given_up.is_set()
    assert children("sleep") == children("tail") == []


def test_a_process_that_always_ends_is_given_up_and_so_are_the_others(tmp_path: Path) -> None:
    said: list[str] = []
    commands = {"halaman web": ["tail", "-f", "/dev/null"], "daemon": ["false"]}
    with keep_services(commands, tmp_path, said.append, clock=lambda: 0.0) as given_up:
        assert given_up.wait(30)
    assert len(said) == MOST_SHORT_LIVES + 1
    assert said[-1] == "Dagster: daemon berhenti (kode 1), tidak dijalankan lagi karena terlalu sering."
    assert children("tail") == []


def test_what_a_dead_process_leaves_behind_is_ended_before_the_next_one(tmp_path: Path) -> None:
    said: list[str] = []
    with keep_services({"server kode": ["sh", "-c", "sleep 600 & sleep 600; true"]}, tmp_path, said.append):
        (shell,) = children("sh")
        wait_for(lambda: len(shell.children()) == 2)
        left = shell.children()
        shell.kill()
        wait_for(lambda: said)
        gone, alive = psutil.wait_procs(left, timeout=30)
        assert len(gone) == 2 and alive == []


def test_the_others_wait_for_what_the_first_one_makes(tmp_path: Path) -> None:
    commands = {
        "server kode": ["sh", "-c", "sleep 0.5; touch siap; exec sleep 600"],
        "daemon": ["sh", "-c", "ls > ada"],
    }
    with keep_services(commands, tmp_path, print, first_makes=tmp_path / "siap"):
        wait_for(lambda: (tmp_path / "ada").exists() and (tmp_path / "ada").read_text())
        assert "siap" in (tmp_path / "ada").read_text()


def test_a_first_process_that_is_never_ready_is_told_of_and_given_up(tmp_path: Path) -> None:
    said: list[str] = []
    commands = {"server kode": ["sleep", "600"], "daemon": ["tail", "-f", "/dev/null"]}
    never = tmp_path / "siap"
    with keep_services(commands, tmp_path, said.append, first_makes=never, waits=(0.2, 0.5)) as given_up:
        assert given_up.is_set() and children("tail") == []
    assert children("sleep") == []
    assert [line.split(" ", 3)[3] for line in said] == [
        "belum siap sesudah 0 detik; masih ditunggu.",
        "tidak siap dalam 0 detik, jadi dihentikan.",
    ]


def test_a_second_sigterm_does_not_cut_the_orderly_end_short(tmp_path: Path) -> None:
    program = f"""
import signal
from pathlib import Path
from pipelines.cli.server.night import end_once
from pipelines.cli.server.services import keep_services
signal.signal(signal.SIGTERM, end_once)
slow = "trap 'sleep 1; touch beres; exit' TERM; touch jalan; while :; do sleep 0.1; done"
with keep_services({{"server kode": ["sh", "-c", slow]}}, Path({str(tmp_path)!r}), print) as given_up:
    given_up.wait()
"""
    process = subprocess.Popen([sys.executable, "-c", program])
    wait_for((tmp_path / "jalan").exists)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    assert (tmp_path / "beres").exists()


def test_dagsters_processes_find_the_code_server_by_a_socket_of_their_own() -> None:
    with dagster_commands("127.0.0.1", 3000) as (commands, socket):
        code, web, daemon = commands.values()
        workspace = Path(web[web.index("-w") + 1])
        assert code[code.index("-s") + 1] == str(socket)
        assert str(socket) in workspace.read_text("utf-8")
        assert workspace == Path(daemon[daemon.index("-w") + 1])
        assert socket.parent.stat().st_mode & 0o077 == 0
    assert not workspace.exists()
