"""Reading ahead gives the same blocks in the same order, makes a few of them early, and raises errors in their place."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pipelines.extract.read_ahead import DEPTH, read_ahead


def test_blocks_keep_their_order_and_are_made_in_another_thread() -> None:
    makers: set[int] = set()

    def blocks() -> Iterator[bytes]:
        for number in range(20):
            makers.add(threading.get_ident())
            yield b"%d" % number

    assert list(read_ahead(blocks())) == [b"%d" % number for number in range(20)]
    assert threading.get_ident() not in makers
    assert list(read_ahead(iter(()))) == []


def test_at_most_depth_blocks_are_made_in_advance() -> None:
    made = 0

    def blocks() -> Iterator[bytes]:
        nonlocal made
        for _ in range(100):
            made += 1
            yield b"x"

    reading = read_ahead(blocks())
    next(reading)
    reading.close()
    assert made <= DEPTH + 1


def test_error_is_raised_after_the_blocks_before_it() -> None:
    def blocks() -> Iterator[bytes]:
        yield b"1"
        yield b"2"
        raise ValueError("rusak")

    reading = read_ahead(blocks())
    assert [next(reading), next(reading)] == [b"1", b"2"]
    with pytest.raises(ValueError, match="rusak"):
        next(reading)


def test_closing_waits_for_the_block_that_is_being_made() -> None:
    begun, may_end = threading.Event(), threading.Event()
    ended = False

    def blocks() -> Iterator[bytes]:
        nonlocal ended
        yield b"1"
        begun.set()
        may_end.wait(10)
        ended = True
        yield b"2"

    reading = read_ahead(blocks())
    next(reading)
    assert begun.wait(10)
    threading.Timer(0.1, may_end.set).start()
    reading.close()
    assert ended
