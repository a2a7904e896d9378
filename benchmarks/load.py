"""`make bench`: what a load costs, as ratios to the least it could cost, measured in one run.

1,000,000 rows of 14 mixed columns with NULLs, quotes, tabs, newlines and backslashes go from one database of this
server into another. The limit is two bare psql processes joined by a pipe (`COPY TO | COPY FROM`, typed, no key).
Ours is the whole load: landing, validation, stage, primary key, swap, ledger; the quality gate is timed apart. Every
case runs in a process of its own, interleaved, and the medians are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from pipelines.contract_files import read_contract
from pipelines.embedded import EmbeddedServer
from pipelines.load import warehouse
from pipelines.settings import Settings, load_settings

COLUMNS: tuple[tuple[str, str], ...] = (
    ("id", "bigint"),
    ("kode", "text"),
    ("nama", "text"),
    ("tanggal", "date"),
    ("waktu", "timestamp"),
    ("nilai", "numeric(18,2)"),
    ("jumlah", "integer"),
    ("tahun", "integer"),
    ("bulan", "smallint"),
    ("uraian", "text"),
    ("alamat", "text"),
    ("rasio", "double precision"),
    ("catatan", "text"),
    ("aktif", "boolean"),
)
_LOGICAL = {"text": "string", "date": "date", "timestamp": "timestamp", "boolean": "boolean"}
_SOURCE = """
create table sumber as select
    g as id,
    lpad(to_hex(g * 2654435761), 16, '0') as kode,
    'Baris ' || g || case when g %% 7 = 0 then E' "kutip"\\t dan tab' else '' end as nama,
    case when g %% 10 = 0 then null else date '2020-01-01' + (g %% 2000)::int end as tanggal,
    timestamp '2020-01-01' + g * interval '61.000001 seconds' as waktu,
    ((g * 7919 %% 100000000)::numeric / 100)::numeric(18,2) as nilai,
    (g %% 100000)::int as jumlah,
    (2000 + g %% 25)::int as tahun,
    (1 + g %% 12)::smallint as bulan,
    repeat('uraian kegiatan ', (1 + g %% 4)::int)
        || case when g %% 11 = 0 then E'\\nbaris kedua \\\\ garis' else '' end as uraian,
    case when g %% 10 = 3 then null else 'Jl. Contoh No. ' || g %% 999 end as alamat,
    case when g %% 10 = 5 then null else g / 7.0::double precision end as rasio,
    case when g %% 10 = 7 then null else E'catatan\\tké-' || g end as catatan,
    g %% 2 = 0 as aktif
from generate_series(1::bigint, %(rows)s) g
"""


def main() -> None:
    """Runs the cases and prints the table."""
    parser = argparse.ArgumentParser(
        prog="gudang bench", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the load (default 1,000,000)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds, of which the median counts (default 3)"
    )
    parser.add_argument(
        "--to-sql-rows", type=int, default=100_000, help="rows for DataFrame.to_sql, scaled up"
    )
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(_CASES[options.case](load_settings(), options.rows)))
        return
    _compare(load_settings(), options)


def _compare(settings: Settings, options: argparse.Namespace) -> None:
    _make_source(settings, "bench_sumber", options.rows)
    _make_source(settings, "bench_sumber_kecil", options.to_sql_rows)
    cases = [
        ("limit", options.rows),
        ("gudang", options.rows),
        ("to_sql", options.to_sql_rows),
        ("limit_small", options.to_sql_rows),
    ]
    seconds: dict[str, list[float]] = {name: [] for name, _ in cases}
    memory: dict[str, float] = {}
    parts: dict[str, float] = {}
    for number in range(options.rounds):
        for name, rows in cases:
            command = [sys.executable, "-m", "benchmarks.load", "--case", name, "--rows", str(rows)]
            told = json.loads(
                subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
            )
            seconds[name].append(told["seconds"])
            memory[name] = max(memory.get(name, 0.0), told["megabytes"])
            parts = told.get("parts", parts)
            print(
                f"round {number + 1}: {name:12} {told['seconds']:8.2f} s {told['megabytes']:8.0f} MB",
                flush=True,
            )
    _print(seconds, memory, parts, options)
    _drop(settings)


def _print(
    seconds: dict[str, list[float]],
    memory: dict[str, float],
    parts: dict[str, float],
    options: argparse.Namespace,
) -> None:
    median = {name: statistics.median(values) for name, values in seconds.items()}
    scale = options.rows / options.to_sql_rows
    scaled = median["to_sql"] / median["limit_small"]
    rows = [
        ("psql COPY | psql COPY (the limit)", median["limit"], 1.0, memory["limit"]),
        (
            "gudang: landing, validated stage, key, swap",
            median["gudang"],
            median["gudang"] / median["limit"],
            memory["gudang"],
        ),
        (f"DataFrame.to_sql ({options.to_sql_rows:,} rows)", median["to_sql"], scaled, memory["to_sql"]),
    ]
    print(f"\n{options.rows:,} rows x {len(COLUMNS)} columns, median of {options.rounds}")
    print(f"{'way':46} {'seconds':>8} {'x limit':>8} {'peak MB':>8}")
    for name, wall, ratio, peak in rows:
        print(f"{name:46} {wall:8.2f} {ratio:8.2f} {peak:8.0f}")
    print(f"gudang's parts: {', '.join(f'{k} {v:.2f} s' for k, v in parts.items())}")
    print(
        f"to_sql is compared with the limit at its own {options.to_sql_rows:,} rows ({median['limit_small']:.2f} s);"
    )
    print(
        f"gudang is {median['to_sql'] * scale / median['gudang']:.1f} times as fast as to_sql, were that linear"
    )


def _url(settings: Settings, database: str) -> str:
    base = settings.warehouse_url or EmbeddedServer(settings.home).ensure().warehouse
    from sqlalchemy.engine import make_url

    return make_url(base).set(database=database).render_as_string(hide_password=False)


def _make_source(settings: Settings, database: str, rows: int) -> None:
    """The source database with its rows, and an empty target beside it."""
    for name in (database, f"{database}_gudang"):
        with psycopg.connect(warehouse.libpq_url(_url(settings, "postgres")), autocommit=True) as connection:
            connection.execute(f'drop database if exists "{name}" with (force)'.encode())
            connection.execute(f'create database "{name}"'.encode())
    with psycopg.connect(warehouse.libpq_url(_url(settings, database)), autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL(_SOURCE.replace("%%", "%").replace("%(rows)s", str(rows))))  # type: ignore[arg-type]
        connection.execute("analyze sumber")
        connection.execute("checkpoint")


def _drop(settings: Settings) -> None:
    with psycopg.connect(warehouse.libpq_url(_url(settings, "postgres")), autocommit=True) as connection:
        for name in ("bench_sumber", "bench_sumber_kecil"):
            for database in (name, f"{name}_gudang"):
                connection.execute(f'drop database if exists "{database}" with (force)'.encode())


def _target(settings: Settings, database: str) -> psycopg.Connection[Any]:
    connection = warehouse.connect(_url(settings, f"{database}_gudang"))
    connection.execute("drop table if exists sasaran")
    connection.execute("drop schema if exists raw, ops, landing, quarantine cascade")
    connection.execute("checkpoint")
    return connection


def _limit(settings: Settings, _rows: int, database: str = "bench_sumber") -> dict[str, Any]:
    psql = str(EmbeddedServer(settings.home).bin_dir / "psql")
    columns = ", ".join(f"{n} {t}" for n, t in COLUMNS)
    source, target = (
        warehouse.libpq_url(_url(settings, database)),
        warehouse.libpq_url(_url(settings, f"{database}_gudang")),
    )
    _target(settings, database).execute(f"create table sasaran ({columns})".encode())
    start = time.perf_counter()
    out = subprocess.Popen([psql, source, "-qc", "copy sumber to stdout"], stdout=subprocess.PIPE)
    subprocess.run([psql, target, "-qc", "copy sasaran from stdin"], stdin=out.stdout, check=True)
    out.wait()
    return _told(start, children=True)


def _gudang(settings: Settings, rows: int) -> dict[str, Any]:
    from pipelines.extract.source import open_source
    from pipelines.extract.stream import Wanted
    from pipelines.load.loader import load
    from pipelines.quality.gate import GateResult

    os.environ["BENCH_URL"] = _url(settings, "bench_sumber")
    connection = _target(settings, "bench_sumber")
    with tempfile.TemporaryDirectory() as folder:
        contract = _contract(Path(folder))
        warehouse.prepare(connection, [])
        start = time.perf_counter()
        batch = load(
            connection,
            contract,
            lambda of, since: open_source(of, wanted=Wanted(since), upload_zone=Path(folder)),
            lambda _: GateResult(()),
            run_id="bench",
        )
        told = _told(start)
    assert batch is not None and batch.loaded == rows, batch
    return told | {"parts": batch.seconds}


def _contract(folder: Path) -> Any:
    import yaml

    properties = [
        {
            "name": name,
            "physicalType": kind,
            "logicalType": _LOGICAL.get(
                kind, "number" if kind.startswith(("numeric", "double")) else "integer"
            ),
            "classification": "terbuka",
            "businessName": name,
            "description": name,
            **({"primaryKey": True} if name == "id" else {}),
        }
        for name, kind in COLUMNS
    ]
    document = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": "bench/sumber",
        "version": "1.0.0",
        "status": "active",
        "name": "Benchmark",
        "domain": "uji",
        "team": {"name": "Benchmark"},
        "servers": [{"server": "bench", "type": "custom", "location": "${BENCH_URL}"}],
        "schema": [{"name": "sumber", "logicalType": "object", "properties": properties}],
        "customProperties": [{"property": "extract", "value": {"table": "sumber"}}],
    }
    path = folder / "bench" / "sumber.odcs.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    contract, faults = read_contract(path)
    assert contract is not None, faults
    return contract


def _to_sql(settings: Settings, rows: int) -> dict[str, Any]:
    import pandas as pd
    import sqlalchemy as sa

    source, target = (
        sa.create_engine(_url(settings, "bench_sumber_kecil")),
        sa.create_engine(_url(settings, "bench_sumber_kecil_gudang")),
    )
    _target(settings, "bench_sumber_kecil").close()
    start = time.perf_counter()
    frame = pd.read_sql(sa.text("select * from sumber"), source)
    frame.to_sql("sasaran", target, index=False, if_exists="replace")
    assert len(frame) == rows
    return _told(start)


def _told(start: float, *, children: bool = False) -> dict[str, Any]:
    seconds = time.perf_counter() - start
    who = resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF
    return {"seconds": seconds, "megabytes": resource.getrusage(who).ru_maxrss / 1024}


_CASES: dict[str, Callable[[Settings, int], dict[str, Any]]] = {
    "limit": _limit,
    "limit_small": lambda settings, rows: _limit(settings, rows, "bench_sumber_kecil"),
    "gudang": _gudang,
    "to_sql": _to_sql,
}

if __name__ == "__main__":
    main()
