"""A console to which nothing from outside is markup, emoji or a control code."""

from __future__ import annotations

import io
import logging

from rich.table import Table

from pipelines.runtime.terminal import Terminal, TerminalHandler, styled

HOSTILE = "[/b] [red]merah[/] [link=http://x]y[/link] :smile: \x1b[31m postgresql://u:rahasia@h/d"
READ = "[/b] [red]merah[/] [link=http://x]y[/link] :smile: \\x1b[31m postgresql://u:***@h/d"


def _terminal() -> tuple[Terminal, io.StringIO]:
    out = io.StringIO()
    return Terminal(file=out, width=200), out


def test_a_text_is_printed_as_it_is_wherever_it_stands() -> None:
    console, out = _terminal()
    table = Table(HOSTILE, title=HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(styled(HOSTILE, "red"))
    console.print(table)
    console.print(HOSTILE, style="red")
    console.rule(styled(HOSTILE, "bold"))
    assert out.getvalue().count(READ) == 6


def test_a_line_of_the_log_is_no_markup_either() -> None:
    console, out = _terminal()
    log = logging.getLogger("uji.terminal")
    log.propagate = False
    handler = TerminalHandler(console)
    log.addHandler(handler)
    try:
        log.warning("%s", HOSTILE)
    finally:
        log.removeHandler(handler)
    assert READ in out.getvalue()
