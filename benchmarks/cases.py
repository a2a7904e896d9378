"""The cases: each runs in a process of its own and gives seconds, peak memory, and a checksum of the rows it left.

What belongs here: one function per case. Not here: making sources (rows.py), what a case measures (target.py),
comparing (__main__.py), dlt (peers.py, in an environment of its own).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks import rows as data
from benchmarks.backfill import gudang_backfill, gudang_backfill_again, limit_backfill
from benchmarks.daemon import gudang_asset_page, gudang_file_to_mart, limit_daemon
from benchmarks.feedback import gudang_feedback, limit_feedback
from benchmarks.gate import gudang_gate, limit_gate
from benchmarks.night import gudang_first, gudang_first_with_demo, gudang_night, limit_first, limit_night
from benchmarks.start import gudang_start, gudang_start_definitions, limit_start
from benchmarks.target import TYPED, Figures, checksum, empty_target, figures, load_once
from pipelines.contracts.model import Contract
from pipelines.load import prepare
from pipelines.redaction.database_urls import libpq_url
from pipelines.settings import Settings

# -- limits ----------------------------------------------------------------------------------------------------


def _copy_through_a_pipe(settings: Settings, out: list[str], copy: str, *, key: bool = False) -> Figures:
    """Runs `out` into psql's COPY `copy`; the time is that of both programs."""
    connection = empty_target(settings)
    connection.execute(f"create table sasaran ({TYPED})".encode())
    place = libpq_url(data.url(settings, "bench_sasaran"))
    start = time.perf_counter()
    source = subprocess.Popen(out, stdout=subprocess.PIPE)
    subprocess.run([data.psql(settings), place, "-qc", copy], stdin=source.stdout, check=True)
    assert source.wait() == 0
    if key:
        connection.execute("alter table sasaran add primary key (id)")
    measured = figures(start)
    return measured | {"content": checksum(connection, "sasaran")}


def limit_postgresql(settings: Settings, rows: int, *, key: bool = False) -> Figures:
    """PostgreSQL to PostgreSQL by two psql and a pipe; with `key`, a primary key at the end."""
    source = libpq_url(data.url(settings, data.source_name(rows)))
    out = [data.psql(settings), source, "-qc", "copy sumber to stdout"]
    return _copy_through_a_pipe(settings, out, "copy sasaran from stdin", key=key)


def limit_mariadb(settings: Settings, rows: int) -> Figures:
    """MariaDB to PostgreSQL by both servers' own clients and a pipe."""
    from sqlalchemy.engine import make_url

    place = make_url(os.environ["BENCH_MARIADB_URL"])
    client = shutil.which("mariadb") or "mariadb"
    out = [
        client, "--no-defaults", "--quick", "--batch", "--skip-column-names", "--default-character-set=utf8mb4",
        f"--host={place.host}", f"--port={place.port}", f"--user={place.username}", f"--password={place.password}",
        data.source_name(rows), "-e", f"select {', '.join(data.NAMES)} from sumber",
    ]  # fmt: skip
    return _copy_through_a_pipe(settings, out, "copy sasaran from stdin (null 'NULL')")


def limit_csv(settings: Settings, rows: int) -> Figures:
    """A CSV file into PostgreSQL by COPY."""
    return _copy_through_a_pipe(
        settings, ["cat", str(_file(rows, "csv"))], "copy sasaran from stdin (format csv, header)"
    )


def calamine(settings: Settings, rows: int) -> Figures:
    """Reads the rows of a workbook with python-calamine."""
    from python_calamine import CalamineWorkbook

    start = time.perf_counter()
    sheet = CalamineWorkbook.from_path(str(_file(rows, "xlsx"))).get_sheet_by_index(0)
    assert sum(1 for _ in sheet.iter_rows()) == rows + 1
    return figures(start)


# -- ours --------------------------------------------------------------------------------------------------------


def _file(rows: int, kind: str) -> Path:
    """The source file of this size, as rows.py made it."""
    return Path(os.environ["BENCH_FOLDER"]) / f"{rows}.{kind}"


def _upload(rows: int, kind: str) -> Any:
    """That file, as the upload zone would give it."""
    from pipelines.extract.upload.files import UploadedFile

    path = _file(rows, kind)
    state = path.stat()
    return UploadedFile(path, path.name, state.st_size, state.st_mtime)


def _whole_load(settings: Settings, rows: int, contract: Contract, upload: Any = None) -> Figures:
    """A whole load: landing, validation, primary key, exchange, ledger."""
    connection = empty_target(settings)
    prepare.prepare(connection, [])
    start = time.perf_counter()
    batch = load_once(connection, contract, upload)
    measured = figures(start, parts=batch.seconds)
    assert (batch.loaded, batch.quarantined) == (rows, 0), batch
    return measured | {"content": checksum(connection, "raw.bench__sumber")}


def gudang_postgresql(settings: Settings, rows: int) -> Figures:
    """A whole load of the PostgreSQL source."""
    with tempfile.TemporaryDirectory() as folder:
        place = data.url(settings, data.source_name(rows))
        return _whole_load(settings, rows, data.database_contract(Path(folder), place))


def _featured(*features: str, workers: int | None = None, **more: Any) -> Callable[[Settings, int], Figures]:
    """A case: a whole load under a contract with FEATURES. Its rows are counted, since the limit does less.

    workers: parallel workers of a statement, if not the server's own number. more: as for `featured_contract`.
    """

    def case(settings: Settings, rows: int) -> Figures:
        with tempfile.TemporaryDirectory() as folder:
            place = data.url(settings, data.source_name(rows))
            contract = data.featured_contract(Path(folder), place, *features, **more)
            connection = empty_target(settings)
            if workers is not None:
                connection.execute(
                    "select set_config('max_parallel_workers_per_gather', %s, false)", [str(workers)]
                )
            prepare.prepare(connection, [])
            start = time.perf_counter()
            batch = load_once(connection, contract)
            measured = figures(start, parts=batch.seconds)
            refuses = more.get("table") == "sumber_ganda" or any("refused" in name for name in features)
            assert (batch.quarantined > 0) == refuses and batch.loaded + batch.quarantined == batch.read, (
                batch
            )
            return measured

    return case


ALL_FEATURES = ("repairs", "pseudonym", "rules", "refused")
gudang_repairs = _featured(*ALL_FEATURES)
gudang_written_number = _featured(*ALL_FEATURES, table="sumber_teks")
gudang_four_workers = _featured(*ALL_FEATURES, workers=4)
gudang_only_repairs = _featured("repairs", table="sumber_teks")
gudang_only_pseudonym = _featured("pseudonym")
gudang_only_rules = _featured("rules")
gudang_only_refused = _featured("refused")
gudang_doubled_keys = _featured(table="sumber_ganda")
gudang_all_refused = _featured("all_refused", max_quarantine_share=1)


def gudang_mariadb(settings: Settings, rows: int) -> Figures:
    """A whole load of the MariaDB source."""
    from sqlalchemy.engine import make_url

    place = make_url(os.environ["BENCH_MARIADB_URL"]).set(database=data.source_name(rows))
    with tempfile.TemporaryDirectory() as folder:
        contract = data.database_contract(Path(folder), place.render_as_string(hide_password=False))
        return _whole_load(settings, rows, contract)


def gudang_csv(settings: Settings, rows: int) -> Figures:
    """A whole load of the CSV file."""
    with tempfile.TemporaryDirectory() as folder:
        return _whole_load(settings, rows, data.upload_contract(Path(folder), "csv"), _upload(rows, "csv"))


def gudang_csv_repairs(settings: Settings, rows: int) -> Figures:
    """A whole load of the CSV file under a contract with repairs, which change most rows."""
    return _counted_csv(settings, rows, _upload(rows, "csv"), 0, "repairs")


def gudang_csv_bad_cell(settings: Settings, rows: int) -> Figures:
    """A whole load of the CSV file with one bad cell in the middle."""
    return _counted_csv(settings, rows, _upload(rows, "dirty.csv"), 1)


def _counted_csv(settings: Settings, rows: int, upload: Any, refused: int, *features: str) -> Figures:
    """A whole load of a CSV file whose rows are only counted."""
    with tempfile.TemporaryDirectory() as folder:
        contract = data.upload_contract(Path(folder), "csv", data.declared_by(*features))
        connection = empty_target(settings)
        prepare.prepare(connection, [])
        start = time.perf_counter()
        batch = load_once(connection, contract, upload)
        measured = figures(start, parts=batch.seconds)
        assert (batch.loaded, batch.quarantined) == (rows - refused, refused), batch
        return measured


def gudang_xlsx(settings: Settings, rows: int) -> Figures:
    """A whole load of the workbook."""
    with tempfile.TemporaryDirectory() as folder:
        return _whole_load(settings, rows, data.upload_contract(Path(folder), "xlsx"), _upload(rows, "xlsx"))


def gudang_xlsx_reading(settings: Settings, rows: int) -> Figures:
    """The workbook read as far as COPY text, without loading it."""
    from pipelines.extract.upload.reader import open_file

    with tempfile.TemporaryDirectory() as folder:
        contract = data.upload_contract(Path(folder), "xlsx")
        start = time.perf_counter()
        stream = open_file(contract, _upload(rows, "xlsx"))
        for _ in stream.blocks:
            pass
        assert stream.rows == rows
        return figures(start)


# -- merge -------------------------------------------------------------------------------------------------------

_CHANGED = """
create or replace view berubah as
select {others}, case when id % 20 = 0 then timestamp '2040-01-01' + id * interval '1 ms' else waktu end as waktu,
    case when id % 20 = 0 then catatan || '!' else catatan end as catatan
from sumber where id <= {old}
union all
select {others}, timestamp '2040-01-02' + id * interval '1 ms', catatan from sumber where id > {old}
"""


def _changed(settings: Settings, rows: int) -> None:
    """A view of the source after a day: nearly 5 % of the rows changed, 0.5 % new."""
    others = ", ".join(n for n in data.NAMES if n not in ("waktu", "catatan"))
    with data.connect(settings, data.source_name(rows)) as source:
        source.execute(_CHANGED.format(others=others, old=rows - rows // 200).encode())


def gudang_merge(settings: Settings, rows: int) -> Figures:
    """A merge by cursor of the changed rows, after a first load that is not counted."""
    _changed(settings, rows)
    old, late = rows - rows // 200, {"write_disposition": "merge", "cursor": "waktu"}
    with tempfile.TemporaryDirectory() as folder:
        place = data.url(settings, data.source_name(rows))
        before = data.database_contract(Path(folder), place, **late)
        connection = empty_target(settings)
        prepare.prepare(connection, [])
        extract = replace(before.extract, table=None, query=f"select * from sumber where id <= {old}")  # type: ignore[arg-type]
        load_once(connection, replace(before, extract=extract))
        connection.execute("checkpoint")
        after = replace(before, extract=replace(before.extract, table="berubah"))  # type: ignore[arg-type]
        start = time.perf_counter()
        batch = load_once(connection, after)
        measured = figures(start, parts=batch.seconds, rows=batch.loaded)
        return measured | {"content": checksum(connection, "raw.bench__sumber")}


def limit_merge(settings: Settings, rows: int) -> Figures:
    """COPY of the changed rows into a temporary table, and one INSERT ... ON CONFLICT."""
    _changed(settings, rows)
    names = ", ".join(data.NAMES)
    connection = empty_target(settings)
    connection.execute(f"create table sasaran ({TYPED}, primary key (id))".encode())
    source = libpq_url(data.url(settings, data.source_name(rows)))

    def copied(query: str, into: str) -> None:
        out = [data.psql(settings), source, "-qc", f"copy ({query}) to stdout"]
        reading = subprocess.Popen(out, stdout=subprocess.PIPE)
        assert reading.stdout is not None
        with connection.cursor().copy(f"copy {into} ({names}) from stdin".encode()) as copy:
            while block := reading.stdout.read(1 << 18):
                copy.write(block)
        assert reading.wait() == 0

    copied(f"select {names} from sumber where id <= {rows - rows // 200}", "sasaran")
    connection.execute("checkpoint")
    start = time.perf_counter()
    connection.execute(f"create temporary table datang ({TYPED})".encode())
    copied(f"select {names} from berubah where waktu >= '2040-01-01'", "datang")
    assignments = ", ".join(f"{n} = excluded.{n}" for n in data.NAMES if n != "id")
    connection.execute(
        f"insert into sasaran select * from datang on conflict (id) do update set {assignments}".encode()
    )
    measured = figures(start)
    return measured | {"content": checksum(connection, "sasaran")}


# -- pandas --------------------------------------------------------------------------------------------------------


def to_sql(settings: Settings, rows: int) -> Figures:
    """Loads by pandas as most people would: read_sql, DataFrame.to_sql."""
    import pandas as pd
    import sqlalchemy as sa

    source, target = (
        sa.create_engine(data.url(settings, n)) for n in (data.source_name(rows), "bench_sasaran")
    )
    connection = empty_target(settings)
    start = time.perf_counter()
    pd.read_sql(sa.text("select * from sumber"), source).to_sql(
        "sasaran", target, index=False, if_exists="replace"
    )
    measured = figures(start)
    return measured | {"content": checksum(connection, "sasaran")}


def pandas_copy(settings: Settings, rows: int) -> Figures:
    """Loads by pandas with COPY: read_sql, to_csv, COPY."""
    import io

    import pandas as pd
    import sqlalchemy as sa

    connection = empty_target(settings)
    connection.execute(f"create table sasaran ({TYPED})".encode())
    start = time.perf_counter()
    frame = pd.read_sql(
        sa.text("select * from sumber"), sa.create_engine(data.url(settings, data.source_name(rows)))
    )
    text = io.StringIO()
    frame.to_csv(text, index=False, header=False)
    text.seek(0)
    with connection.cursor().copy("copy sasaran from stdin (format csv)") as copy:
        while block := text.read(1 << 18):
            copy.write(block)
    measured = figures(start)
    return measured | {"content": checksum(connection, "sasaran")}


CASES: dict[str, Callable[[Settings, int], Figures]] = {
    "limit_postgresql": limit_postgresql,
    "limit_postgresql_key": lambda settings, rows: limit_postgresql(settings, rows, key=True),
    "gudang_postgresql": gudang_postgresql,
    "gudang_repairs": gudang_repairs,
    "gudang_written_number": gudang_written_number,
    "gudang_four_workers": gudang_four_workers,
    "gudang_only_repairs": gudang_only_repairs,
    "gudang_only_pseudonym": gudang_only_pseudonym,
    "gudang_only_rules": gudang_only_rules,
    "gudang_only_refused": gudang_only_refused,
    "gudang_doubled_keys": gudang_doubled_keys,
    "gudang_all_refused": gudang_all_refused,
    "gudang_csv_repairs": gudang_csv_repairs,
    "gudang_csv_bad_cell": gudang_csv_bad_cell,
    "limit_mariadb": limit_mariadb,
    "gudang_mariadb": gudang_mariadb,
    "limit_csv": limit_csv,
    "gudang_csv": gudang_csv,
    "calamine": calamine,
    "gudang_xlsx_reading": gudang_xlsx_reading,
    "gudang_xlsx": gudang_xlsx,
    "limit_merge": limit_merge,
    "gudang_merge": gudang_merge,
    "limit_feedback": limit_feedback,
    "gudang_feedback": gudang_feedback,
    "limit_gate": limit_gate,
    "gudang_gate": gudang_gate,
    "to_sql": to_sql,
    "pandas_copy": pandas_copy,
    "dbt": models.dbt,
    "gudang_models": models.gudang,
    "limit_model": models.bare_sql,
    "gudang_model": models.gudang_large,
    "limit_start": limit_start,
    "gudang_start": gudang_start,
    "gudang_start_definitions": gudang_start_definitions,
    "limit_night": limit_night,
    "gudang_night": gudang_night,
    "limit_first": limit_first,
    "gudang_first": gudang_first,
    "gudang_first_with_demo": gudang_first_with_demo,
    "limit_backfill": limit_backfill,
    "gudang_backfill": gudang_backfill,
    "gudang_backfill_again": gudang_backfill_again,
    "limit_daemon": limit_daemon,
    "gudang_file_to_mart": gudang_file_to_mart,
    "gudang_asset_page": gudang_asset_page,
}
