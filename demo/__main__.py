"""`python -m demo`: makes databases and upload files of the demo OPD, and serves its APIs.

What belongs here: the command line. Not here: what is made (the other modules), which a command imports when it runs.
"""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from demo.variables import DATABASES, variables


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives the exit code. Without `arguments`, those of the process."""
    options = _parser().parse_args(arguments)
    return options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo", description="Membuat basis data, berkas unggahan, dan API milik OPD contoh."
    )
    commands = parser.add_subparsers(required=True, metavar="perintah")

    seed = commands.add_parser("seed", help="buat basis data OPD contoh di sebuah server")
    _add_server(seed)
    seed.add_argument(
        "--only",
        nargs="+",
        metavar="VARIABEL",
        help="hanya basis data yang ditunjuk variabel GUDANG_SUMBER_*_URL ini",
    )
    seed.set_defaults(run=_seed)

    files = commands.add_parser("files", help="tulis berkas unggahan")
    files.add_argument("--zone", type=Path, required=True, help="zona unggah")
    files.set_defaults(run=_files)

    api = commands.add_parser("api", help="layani API di 127.0.0.1 sampai dihentikan")
    place = api.add_mutually_exclusive_group(required=True)
    place.add_argument("--port", type=int, default=0)
    place.add_argument("--descriptor", type=int, help="soket yang sudah mendengarkan, dari proses induk")
    api.set_defaults(run=_api)

    env = commands.add_parser("env", help="cetak variabel GUDANG_SUMBER_* sebagai NAMA=nilai")
    _add_server(env)
    env.add_argument("--api-port", type=int, required=True)
    env.set_defaults(run=_env)
    return parser


def _add_server(parser: argparse.ArgumentParser) -> None:
    server = parser.add_mutually_exclusive_group(required=True)
    server.add_argument("--database-url", dest="url", help="server PostgreSQL: postgresql://...")
    server.add_argument("--mysql-url", dest="url", help="server MariaDB: mysql+pymysql://...")


def _seed(options: argparse.Namespace) -> int:
    from demo.databases import OF_DATABASE, seed_database

    chosen = {DATABASES[name] for name in options.only} if options.only else OF_DATABASE.keys()
    tables = [make() for database, makers in OF_DATABASE.items() if database in chosen for make in makers]
    for table, rows in seed_database(options.url, tables).items():
        print(f"{table}: {rows} baris")
    return 0


def _files(options: argparse.Namespace) -> int:
    from demo.uploads import write_files

    for path in write_files(options.zone):
        print(path)
    return 0


def _api(options: argparse.Namespace) -> int:
    from demo.api import make_server

    given = options.descriptor
    with make_server(options.port, socket.socket(fileno=given) if given is not None else None) as server:
        signal.signal(signal.SIGTERM, _interrupt)
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _env(options: argparse.Namespace) -> int:
    for name, value in variables(options.url, options.api_port).items():
        print(f"{name}={value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
