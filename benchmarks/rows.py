"""The rows that are loaded, in every kind of source: 14 mixed columns, NULLs, quotes, tabs, newlines, backslashes.

What belongs here: making the sources, and the contracts that load them. Not here: loading (cases.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
import yaml
from psycopg import sql
from sqlalchemy.engine import make_url

from pipelines.contracts.files import read_contract
from pipelines.contracts.model import Contract
from pipelines.redaction.database_urls import libpq_url
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.settings import Settings

COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("id", "bigint", "bigint"),
    ("kode", "text", "char(16)"),
    ("nama", "text", "varchar(80)"),
    ("tanggal", "date", "date"),
    ("waktu", "timestamp", "datetime(6)"),
    ("nilai", "numeric(18,2)", "decimal(18,2)"),
    ("jumlah", "integer", "int"),
    ("tahun", "integer", "int"),
    ("bulan", "smallint", "smallint"),
    ("uraian", "text", "text"),
    ("alamat", "text", "varchar(200)"),
    ("rasio", "double precision", "double"),
    ("catatan", "text", "text"),
    ("aktif", "boolean", "tinyint(1)"),
)
"""Name, type in PostgreSQL, type in MariaDB."""

NAMES = tuple(name for name, _, _ in COLUMNS)
_LOGICAL = {"text": "string", "date": "date", "timestamp": "timestamp", "boolean": "boolean"}
_SOURCE = """
create table sumber as select
    g as id,
    lpad(to_hex(g * 2654435761), 16, '0') as kode,
    'Baris ' || g || case when g % 7 = 0 then E' "kutip"\\t dan tab' else '' end as nama,
    case when g % 10 = 0 then null else date '2020-01-01' + (g % 2000)::int end as tanggal,
    timestamp '2020-01-01' + g * interval '61.000001 seconds' as waktu,
    ((g * 7919 % 100000000)::numeric / 100)::numeric(18,2) as nilai,
    (g % 100000)::int as jumlah,
    (2000 + g % 25)::int as tahun,
    (1 + g % 12)::smallint as bulan,
    repeat('uraian kegiatan ', (1 + g % 4)::int)
        || case when g % 11 = 0 then E'\\nbaris kedua \\\\ garis' else '' end as uraian,
    case when g % 10 = 3 then null else 'Jl. Contoh No. ' || g % 999 end as alamat,
    case when g % 10 = 5 then null else (g % 100000) / 8.0::double precision end as rasio,
    case when g % 10 = 7 then null else E'catatan\\tké-' || g end as catatan,
    g % 2 = 0 as aktif
from generate_series(1::bigint, {rows}) g
"""


def url(settings: Settings, database: str) -> str:
    """SQLAlchemy URL of a database on the benchmark's own embedded server."""
    base = EmbeddedServer(settings.home).urls.warehouse
    return make_url(base).set(database=database).render_as_string(hide_password=False)


def is_ours(settings: Settings, port: int) -> bool:
    """Whether the benchmark's own server is the one that listens on this port of the loopback."""
    with connect(settings, "postgres") as admin:
        row = admin.execute(
            "select current_setting('listen_addresses') <> '' and current_setting('port')::int = %s", [port]
        ).fetchone()
    return bool(row and row[0])


def connect(settings: Settings, database: str) -> psycopg.Connection[Any]:
    """A session of a database on the benchmark's own server."""
    return psycopg.connect(libpq_url(url(settings, database)), autocommit=True)


def psql(settings: Settings) -> str:
    """The path of psql."""
    return str(EmbeddedServer(settings.home).bin_dir / "psql")


def source_name(rows: int) -> str:
    """The database that holds so many rows."""
    return f"bench_{rows}"


def make_source(settings: Settings, rows: int) -> None:
    """Makes the database `bench_<rows>` with the rows, unless it is there, and the empty target `bench_sasaran`."""
    with connect(settings, "postgres") as admin:
        there = {name for (name,) in admin.execute("select datname from pg_database").fetchall()}
        for name in (source_name(rows), "bench_sasaran"):
            if name not in there:
                admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    with connect(settings, source_name(rows)) as source:
        made = source.execute("select to_regclass('sumber') is not null").fetchone()
        if not (made and made[0]):
            source.execute(sql.SQL(_SOURCE.format(rows=rows)))  # type: ignore[arg-type]  # our own text and a number
            source.execute("analyze sumber")
        written = ", ".join("nilai::text as nilai" if n == "nilai" else n for n in NAMES)
        source.execute(f"create or replace view sumber_teks as select {written} from sumber".encode())
        source.execute(
            "create or replace view sumber_ganda as select * from sumber union all"
            " select * from sumber where id % 500 = 0"
        )
        # dlt's Parquet through ADBC accepts bigint only.
        wide = ("jumlah", "tahun", "bulan")
        names = ", ".join(f"{n}::bigint as {n}" if n in wide else n for n in NAMES)
        source.execute(f"create or replace view sumber_dlt as select {names} from sumber".encode())


def make_csv(settings: Settings, rows: int, path: Path) -> None:
    """The rows as a CSV file, unless it is there."""
    if not path.exists():
        place = libpq_url(url(settings, source_name(rows)))
        with path.with_suffix(".part").open("wb") as out:
            chosen = ", ".join("aktif::text as aktif" if n == "aktif" else n for n in NAMES)
            copy = f"copy (select {chosen} from sumber) to stdout (format csv, header)"
            command = [psql(settings), place, "-qc", copy]
            subprocess.run(command, stdout=out, check=True)
        path.with_suffix(".part").rename(path)


def make_dirty_csv(clean: Path, path: Path) -> None:
    """The rows of a CSV file with one bad cell: the first number of the row in the middle."""
    half, line = clean.stat().st_size // 2, b""
    with clean.open("rb") as source, path.open("wb") as out:
        while source.tell() < half or not line.endswith((b",true\n", b",false\n")):
            line = source.readline()
            out.write(line)
        out.write(b"x" + source.readline())
        shutil.copyfileobj(source, out)


def make_xlsx(rows: int, path: Path) -> None:
    """The rows as a workbook with cells of dates and numbers, unless it is there."""
    if path.exists():
        return
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Data")
    sheet.append(NAMES)
    first, began = date(2020, 1, 1), datetime(2020, 1, 1)
    for g in range(1, rows + 1):
        sheet.append(
            [
                g, f"{g * 2654435761:016x}", f"Baris {g}", None if g % 10 == 0 else first + timedelta(days=g % 2000),
                began + timedelta(seconds=61 * g), (g * 7919 % 100000000) / 100, g % 100000, 2000 + g % 25,
                1 + g % 12, "uraian kegiatan " * (1 + g % 4), None if g % 10 == 3 else f"Jl. Contoh No. {g % 999}",
                None if g % 10 == 5 else (g % 100000) / 8, None if g % 10 == 7 else f"catatan ké-{g}", g % 2 == 0,
            ]
        )  # fmt: skip
    book.save(path)


def make_mariadb(settings: Settings, mariadb: str, rows: int, folder: Path) -> str:
    """Makes a MariaDB database with the rows; gives its SQLAlchemy URL."""
    import sqlalchemy as sa

    server = sa.create_engine(mariadb, connect_args={"local_infile": True}, isolation_level="AUTOCOMMIT")
    name = source_name(rows)
    text = folder / f"{rows}.tsv"
    chosen = ", ".join("aktif::int" if n == "aktif" else n for n in NAMES)
    with text.open("wb") as out:
        place = libpq_url(url(settings, name))
        copy = f"copy (select {chosen} from sumber) to stdout"
        subprocess.run([psql(settings), place, "-qc", copy], stdout=out, check=True)
    columns = ", ".join(f"{n} {kind}" for n, _, kind in COLUMNS)
    with server.connect() as connection:
        for statement in (
            f"create database if not exists {name} character set utf8mb4",
            f"create or replace table {name}.sumber ({columns}, primary key (id))",
            f"load data local infile '{text}' into table {name}.sumber character set utf8mb4",
        ):
            connection.exec_driver_sql(statement)
    text.unlink()
    return make_url(mariadb).set(database=name).render_as_string(hide_password=False)


def contract(
    folder: Path,
    server: dict[str, Any],
    declared: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    **custom: Any,
) -> Contract:
    """The contract of the rows, with a primary key. `declared` adds properties to columns, `custom` to the contract."""
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
            **({"required": True} if name == custom.get("cursor") else {}),
            **declared.get(name, {}),
        }
        for name, kind, _ in COLUMNS
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
        "servers": [server],
        "schema": [{"name": "sumber", "logicalType": "object", "properties": properties}],
        "customProperties": [{"property": k, "value": v} for k, v in custom.items()],
    }
    path = folder / "bench" / "sumber.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    made, faults = read_contract(path)
    assert made is not None, faults
    return made


def database_contract(folder: Path, place: str, **custom: Any) -> Contract:
    """The contract of the rows in a database; `custom` are properties of the contract."""
    os.environ["BENCH_URL"] = place
    server = {"server": "bench", "type": "custom", "location": "${BENCH_URL}"}
    return contract(folder, server, extract={"table": "sumber"}, **custom)


def _custom(name: str, value: Any) -> dict[str, Any]:
    return {"customProperties": [{"property": name, "value": value}]}


FEATURES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "repairs": {
        "nama": _custom("parse", "teks"),
        "catatan": _custom("parse", "teks"),
        "nilai": _custom("parse", "angka_id"),
    },
    "pseudonym": {"kode": {"classification": "pribadi", **_custom("pseudonymise", "bench")}},
    "rules": {
        "bulan": {"logicalTypeOptions": {"minimum": 1, "maximum": 12}},
        "alamat": {"logicalTypeOptions": {"pattern": r"^Jl\. Contoh No\. [0-9]+$"}},
    },
    "refused": {"tanggal": {"logicalTypeOptions": {"minimum": "2020-01-05"}}},
    "all_refused": {"id": {"logicalTypeOptions": {"maximum": 0}}},
}
"""What contracts of real systems declare, by column. Two of the repairs change most rows; that of the number is needed
where the source has it as text (view `sumber_teks`). `refused` refuses two rows of a thousand."""


def declared_by(*features: str) -> dict[str, Mapping[str, Any]]:
    """The declarations of some of FEATURES, by column."""
    return {column: options for name in features for column, options in FEATURES[name].items()}


def featured_contract(
    folder: Path, place: str, *features: str, table: str = "sumber", **custom: Any
) -> Contract:
    """The contract of the rows in a database, with the declarations of FEATURES; `custom` are its own properties."""
    os.environ["BENCH_URL"] = place
    os.environ.setdefault("GUDANG_PSEUDONYM_KEY", "benchmark" * 4)
    server = {"server": "bench", "type": "custom", "location": "${BENCH_URL}"}
    return contract(folder, server, declared_by(*features), extract={"table": table}, **custom)


def upload_contract(
    folder: Path,
    kind: str,
    declared: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    **custom: Any,
) -> Contract:
    """The contract of the rows in a file; `declared` and `custom` as in `contract`."""
    server = {"server": "unggahan", "type": "local", "path": "bench/sumber", "format": kind}
    return contract(folder, server, declared, extract={"format": kind, "pattern": f"*.{kind}"}, **custom)
