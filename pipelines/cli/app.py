"""Typer with Indonesian help and error texts.

What belongs here: typer's own texts (headings, `--help`, wrong options), and suggesting the nearest known name. Not
here: the commands and their own texts (main.py and its siblings).

Typer has no setting for its language; its headings are constants of typer/rich_utils.py, its errors English texts. A
text that `_ENGLISH` does not know is shown as typer says it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from pipelines.suggest import did_you_mean

_USAGE = "Cara pakai: "
_HELP = "Tampilkan bantuan ini."
_HEADINGS = {
    "ARGUMENTS_PANEL_TITLE": "Argumen",
    "OPTIONS_PANEL_TITLE": "Opsi",
    "COMMANDS_PANEL_TITLE": "Perintah",
    "DEFAULT_STRING": "[bawaan: {}]",
    "REQUIRED_LONG_STRING": "[wajib]",
}
_ENGLISH = (
    (r"Input should be a valid integer.*", "harus bilangan bulat"),
    (r"Input should be greater than or equal to (\S+)", r"paling kecil \1"),
    (r"Input should be less than or equal to (\S+)", r"paling besar \1"),
    (r"Value error, '(.*)' does not match the formats? .*", r'"\1" bukan tanggal (seharusnya tttt-bb-hh)'),
    (r"file '(.*)' does not exist\.", r"berkas \1 tidak ada"),
    (r"file '(.*)' is a directory\.", r"\1 adalah folder, bukan berkas"),
    (r"Got unexpected extra argument\(s\) \((.*)\)", r"argumen berlebih: \1"),
    (r"Option '(.*)' requires an argument\.", r"opsi \1 memerlukan nilai"),
    (r"Missing command\.", "perintahnya belum disebut"),
)


class _Command(TyperCommand):
    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), _USAGE)

    def get_help_option(self, ctx: Any) -> Any:
        return _translated(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _translate_headings()
        super().format_help(ctx, formatter)


class _Group(TyperGroup):
    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.command_path, "PERINTAH [OPSI] ...", _USAGE)

    def get_help_option(self, ctx: Any) -> Any:
        return _translated(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _translate_headings()
        super().format_help(ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            ctx.fail(f"perintah {name} tidak dikenal{_suggestion(name, self.commands)}")
        return super().resolve_command(ctx, args)


class CommandGroup(typer.Typer):
    """A group of commands with Indonesian help. The arguments are typer's."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(cls=_Group, no_args_is_help=True, add_completion=False, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:  # type: ignore[override]
        """A decorator that makes a function a command of this group."""
        return super().command(name, cls=_Command, options_metavar="[OPSI]", **settings)


def usage_message(error: typer.TyperException) -> str:
    """The text about wrong arguments of a command, with the command that shows its help."""
    context = getattr(error, "ctx", None)
    hint = f" (`{context.command_path} --help` menjelaskan pemakaiannya)" if context else ""
    return f"{_fault(error)}{hint}"


def _fault(error: typer.TyperException) -> str:
    kind, context = type(error).__name__, getattr(error, "ctx", None)
    if kind == "NoSuchOption":
        option = str(getattr(error, "option_name", ""))
        known = (
            [name for param in context.command.get_params(context) for name in param.opts] if context else []
        )
        return f"opsi {option} tidak dikenal{_suggestion(option, known)}"
    parameter = getattr(error, "param", None)
    place = parameter.get_error_hint().strip("'").replace("' / '", " / ") if parameter is not None else ""
    if kind == "MissingParameter":
        return f"{place} belum disebut"
    said = _indonesian(error.message)
    return f"{place}: {said}" if place else said


def _indonesian(text: str) -> str:
    for pattern, words in _ENGLISH:
        if match := re.fullmatch(pattern, text, re.DOTALL):
            return match.expand(words)
    return text


def _suggestion(name: str, known: Any) -> str:
    nearest = did_you_mean(name, known)
    return f"; {nearest}" if nearest else ""


def _translated(help_option: Any) -> Any:
    if help_option is not None:
        help_option.help = _HELP
    return help_option


def _translate_headings() -> None:
    from typer import rich_utils

    for name, text in _HEADINGS.items():
        setattr(rich_utils, name, text)
