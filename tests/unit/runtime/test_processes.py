"""A child process that dies is started again, but not endlessly, and no child is left when the context ends."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable
from itertools import accumulate, cycle
from queue import Queue

import pytest

from pipelines.runtime.processes import MOST_SHORT_LIVES, SHORT_LIFE, end, keep_running


def starter(
    command: list[str], started: Queue[subprocess.Popen[bytes]]
) -> Callable[[], subprocess.Popen[bytes]]:
    def start() -> subprocess.Popen[bytes]:
        child = subprocess.Popen(command)
        started.put(child)
        return child

    return start


def test_killed_child_is_started_again_and_the_last_one_ends_with_the_context() -> None:
    started: Queue[subprocess.Popen[bytes]] = Queue()
    ended: Queue[tuple[int, bool]] = Queue()
    with keep_running(
        starter(["sleep", "600"], started), lambda code, again: ended.put((code, again))
    ) as first:
        assert started.get(timeout=30) is first
        first.kill()
        assert ended.get(timeout=30) == (-signal.SIGKILL, True)
        second = started.get(timeout=30)
        assert second.poll() is None
    assert second.returncode == -signal.SIGTERM
    assert started.empty() and ended.empty()


def test_child_that_always_ends_at_once_is_no_longer_started() -> None:
    started: Queue[subprocess.Popen[bytes]] = Queue()
    ended: Queue[tuple[int, bool]] = Queue()
    with keep_running(
        starter(["false"], started), lambda code, again: ended.put((code, again)), clock=lambda: 0.0
    ):
        ends = [ended.get(timeout=30) for _ in range(MOST_SHORT_LIVES + 1)]
    assert ends == [(1, True)] * MOST_SHORT_LIVES + [(1, False)]
    assert started.qsize() == 1 + MOST_SHORT_LIVES


def test_long_life_resets_the_count_of_short_lives() -> None:
    started: Queue[subprocess.Popen[bytes]] = Queue()
    ended: Queue[tuple[int, bool]] = Queue()
    # The clock is read at the start and at the end of each life, so every second life is long.
    clock = accumulate(cycle([0.0, 0.0, 0.0, SHORT_LIFE])).__next__
    with keep_running(starter(["false"], started), lambda code, again: ended.put((code, again)), clock=clock):
        ends = [ended.get(timeout=30) for _ in range(2 * MOST_SHORT_LIVES + 2)]
    assert all(again for _, again in ends)


def test_a_child_that_ignores_the_signal_is_killed_also_if_the_wait_for_it_is_interrupted() -> None:
    child = subprocess.Popen(["sh", "-c", "trap '' TERM; echo; exec sleep 600"], stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()
    interrupt = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        end(child, signal.SIGTERM)
    child.stdout.close()
    assert child.wait(30) == -signal.SIGKILL
