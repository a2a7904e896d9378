"""A console that prints markup, emoji and control codes of a text literally."""

from __future__ import annotations

import io
import logging

from rich.table import Table

from pipelines.runtime.terminal import Terminal, TerminalHandler, styled

HOSTILE = "[/b] [red]merah[/] [link=http://x]y[/link] :smile: \x1b[31m postgresql://u:rahasia@h/d"
PRINTED = "[/b] [red]merah[/] [link=http://x]y[/link] :smile: \\x1b[31m postgresql://u:***@h/d"


def _terminal() -> tuple[Terminal, io.StringIO]:
    out = io.StringIO()
    return Terminal(file=out, width=200), out


def test_markup_and_control_codes_are_printed_literally_and_secrets_redacted() -> None:
    console, out = _terminal()
    table = Table(HOSTILE, title=HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(styled(HOSTILE, "red"))
    console.print(table)
    console.print(HOSTILE, style="red")
    console.rule(styled(HOSTILE, "bold"))
    assert out.getvalue().count(PRINTED) == 6


def test_log_line_is_printed_literally() -> None:
    console, out = _terminal()
    log = logging.getLogger("uji.terminal")
    log.propagate = False
    handler = TerminalHandler(console)
    log.addHandler(handler)
    try:
        log.warning("%s", HOSTILE)
    finally:
        log.removeHandler(handler)
    assert PRINTED in out.getvalue()
