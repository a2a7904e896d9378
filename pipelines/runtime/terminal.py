"""A console of rich that prints texts from outside as they are: no markup, emoji or control code works in them.

What belongs here: one console for all commands. Colours are given as `style` or `Text`. Not here: the printed texts.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from pipelines.redaction.secrets import shown


class Terminal(Console):
    """A console that prints a text as it is: `[/b]` is four characters. Passwords are hidden, escape codes shown."""

    def __init__(self, *, at_least: int = 0, **more: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **more)
        if self.width < at_least:
            self.width = at_least

    def render_str(self, text: str, **more: Any) -> Text:
        """A text without markup and passwords. Rich calls this for every text, also for a cell of a table."""
        more |= {"markup": False, "emoji": False}
        return super().render_str(shown(text), **more)


class TerminalHandler(RichHandler):
    """A logging handler that writes to a Terminal."""

    def __init__(self, console: Terminal) -> None:
        super().__init__(
            console=console, show_path=False, show_level=False, markup=False, log_time_format="%H:%M:%S"
        )

    def render_message(self, record: Any, message: str) -> Any:
        """The message without passwords."""
        return super().render_message(record, shown(message))


def styled(text: str, style: str) -> Text:
    """Gives `text` in a colour, without passwords."""
    return Text(shown(text), style)
