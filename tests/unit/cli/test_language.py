"""`gudang` speaks Indonesian, including the texts of typer, and names the nearest command, option or dataset."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import typer
from typer.main import get_command

from pipelines.cli import main
from pipelines.cli.server.processes import refuse_open

Gudang = Callable[..., tuple[int, str, str]]


def command_paths(command: object, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The names that lead to each command which has a help of its own."""
    found = [before]
    for name, inner in getattr(command, "commands", {}).items():
        if inner.context_settings.get("help_option_names") != []:
            found += command_paths(inner, (*before, name))
    return found


@pytest.mark.parametrize("path", command_paths(get_command(main.app)), ids=" ".join)
def test_help_has_no_english_text_of_typer(path: tuple[str, ...], gudang: Gudang) -> None:
    code, out, _ = gudang(*path, "--help")
    assert code == 0
    assert "Cara pakai: " in out and "Tampilkan bantuan ini." in out
    english = (
        "Usage",
        "Options",
        "Arguments",
        "Commands",
        "[OPTIONS]",
        "default:",
        "[required]",
        "Show this",
    )
    assert [word for word in english if word in out] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nigthly"], "perintah nigthly tidak dikenal; maksudnya nightly? (`gudang --help`"),
        (["xyzzy"], "perintah xyzzy tidak dikenal (`gudang --help`"),
        (["models", "docz"], "perintah docz tidak dikenal; maksudnya docs? (`gudang models --help`"),
        (["ui", "--prot", "1"], "opsi --prot tidak dikenal; maksudnya --port? (`gudang ui --help`"),
        (["ui", "--port", "x"], "--port: harus bilangan bulat (`gudang ui --help`"),
        (["ui", "--port", "0"], "--port: paling kecil 1 ("),
        (["ui", "--port", "70000"], "--port: paling besar 65535 ("),
        (["ui", "--port"], "opsi --port memerlukan nilai"),
        (["ui", "sini"], "argumen berlebih: sini ("),
        (["reload"], "OPD/DATASET belum disebut (`gudang reload --help`"),
        (["upload", "a/b", "tiada.csv"], "BERKAS...: berkas tiada.csv tidak ada ("),
        (["upload", "a/b", "/tmp"], "BERKAS...: /tmp adalah folder, bukan berkas ("),
        (["models", "run", "--start", "1/2"], '--start: "1/2" bukan tanggal (seharusnya tttt-bb-hh) ('),
        (
            ["models", "run", "--start", "2026-01-01"],
            "--start dan --end disebut bersama, yang lebih awal dahulu",
        ),
        (["run"], "perintahnya belum disebut, misalnya: gudang run dg list defs (`gudang run --help`"),
    ],
)
def test_wrong_usage_is_one_indonesian_line(arguments: list[str], message: str, gudang: Gudang) -> None:
    code, out, err = gudang(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"gudang: {message}"), err
    assert err.count("\n") == 1


def test_help_is_shown_if_no_command_is_given(gudang: Gudang) -> None:
    code, out, err = gudang()
    assert code == 2
    assert "Perintah" in out + err and "nightly" in out + err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["models", "show", "dim_wilayh"],
            "dim_wilayh: model atau seed ini tidak dikenal (maksudnya dim_wilayah?)",
        ),
        (
            ["upload", "samarinda/pendudk", __file__],
            "samarinda/pendudk: tidak ada kontrak yang menerima unggahan untuk dataset ini"
            " (maksudnya samarinda/penduduk?)",
        ),
    ],
)
def test_error_of_an_unknown_name_suggests_the_nearest(
    arguments: list[str], message: str, gudang: Gudang
) -> None:
    assert gudang(*arguments) == (1, "", f"gudang: {message}\n")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "gudang.example", ""])  # noqa: S104
def test_pages_without_login_are_not_opened_to_other_machines(host: str, gudang: Gudang) -> None:
    code, out, err = gudang("ui", "--host", host)
    assert (code, out) == (1, "")
    assert "tanpa login" in err and "docs/install-on-a-server.md" in err and "--i-know" in err
    for own in ("127.0.0.1", "127.0.0.2", "::1", "localhost"):
        refuse_open(own)


def test_untranslated_text_of_typer_is_shown_unchanged() -> None:
    from pipelines.cli.app import usage_message

    assert usage_message(typer.BadParameter("Something new")) == "Something new"
