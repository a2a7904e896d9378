"""Joins the commands of `gudang`, which complete Dagster's `dg`.

What belongs here: the entry point, its exit codes, which commands there are. Not here: the commands (data/,
server/), the language of their help (app.py).

Exit codes: 0 done, 1 a fault that the message names, 2 wrong usage, 130 ended by Ctrl-C. `health` has its own.

The commands import what they need when they run, so that `gudang --help` and `gudang psql` start at once.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from pipelines.cli.app import CommandGroup, usage_message
from pipelines.cli.data import approve, check, confirm, datasets, feedback, models, profile
from pipelines.cli.server import alerts, backup, definitions, deploy, loket, night, servers
from pipelines.cli.server.health import health
from pipelines.errors import GudangError
from pipelines.redaction.secrets import shown

app = CommandGroup(
    name="gudang",
    help="Gudang Data Kaltim: gudang data yang mengisi dirinya sendiri. Tanpa pengaturan apa pun, ia memakai server"
    " bawaan (PostgreSQL) dan data contoh, semuanya dalam satu folder kerja (GUDANG_HOME, bawaannya .gudang).",
    pretty_exceptions_enable=False,
)
_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}
"""What follows the command's first word is not ours: `gudang run --help` is our help, `gudang run dg --help` dg's."""
_DRIVERS = ("psycopg", "psycopg2", "sqlalchemy", "dagster_postgres")

for _command in (night.nightly, night.reload, night.ui, loket.loket, night.prepare, definitions.code_server):
    app.command()(_command)
for _command in (datasets.upload, datasets.status, datasets.validate, check.check, profile.profile):
    app.command()(_command)
app.command()(feedback.feedback)
app.command()(confirm.confirm)
app.command()(approve.approve)
app.command()(health)
app.command(context_settings=_PASS_ON)(servers.psql)
app.command(context_settings=_PASS_ON)(night.run)
for _command in (backup.backup, backup.restore, backup.upgrade, backup.prune):
    app.command()(_command)
app.command()(servers.stop)
app.command()(servers.reset)
app.command(context_settings=_PASS_ON | {"help_option_names": []})(servers.bench)
app.add_typer(models.app)
app.add_typer(alerts.app)
app.add_typer(deploy.app)


def main() -> None:
    """The entry point. It shows a GudangError as one line, never as a traceback."""
    try:
        code = app(prog_name="gudang", standalone_mode=False)
    except GudangError as error:
        _end(str(error), 1)
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # its help is printed already
            raise SystemExit(2) from None
        _end(usage_message(error), 2)
    except typer.Abort:
        _end("dibatalkan", 1)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        lost = _lost_connection(error)
        if lost is None:
            raise
        _end(f"PostgreSQL tidak menjawab: {lost} (jalankan servernya, lalu ulangi perintah ini)", 1)
    raise SystemExit(code or 0)


def _end(message: str, code: int) -> NoReturn:
    print(shown(f"gudang: {message}"), file=sys.stderr)
    raise SystemExit(code) from None


def _lost_connection(error: BaseException | None) -> str | None:
    """The first line of a driver's error about a lost or refused connection; None for any other fault."""
    message = None
    while error is not None:
        kinds = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.split(".")[0] in _DRIVERS}
        if kinds & {"OperationalError", "InterfaceError", "DagsterPostgresException"}:
            message = (str(error).strip().splitlines() or [type(error).__name__])[0]
        error = error.__cause__ or error.__context__
    return message


if __name__ == "__main__":
    main()
