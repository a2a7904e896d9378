"""Cases of SQL models: a folder of a hundred small ones, built by dbt and by us; one large one against bare SQL.

What belongs here: making the folder, and its cases. Each program runs twice, as a user would start it, and the second
run counts, for then the program has its caches.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from benchmarks import rows as data
from pipelines.redaction.database_urls import libpq_url
from pipelines.settings import Settings

MODELS = 100
_BASES = 10
_PROJECT = {
    "name": "bench",
    "profile": "bench",
    "models": {"bench": {"+materialized": "table"}},
}
_LARGE = "select *, nilai * jumlah as total, extract(quarter from waktu)::int as triwulan from public.sumber"


def _folder(settings: Settings, name: str, models: Mapping[str, str], column: str, *, tests: bool) -> Path:
    """Makes <BENCH_FOLDER>/<name>/dbt_like_sql with a profile, unless it is there, and gives its path."""
    root = Path(os.environ["BENCH_FOLDER"]) / name
    folder = root / "dbt_like_sql"
    if folder.exists():
        return folder
    (folder / "models").mkdir(parents=True)
    (root / "contracts").mkdir()
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(_PROJECT))
    for model, query in models.items():
        (folder / "models" / f"{model}.sql").write_text(query)
    three = [
        "unique",
        "not_null",
        {"accepted_values": {"arguments": {"values": [-1], "quote": False}, "config": {"where": "k < 0"}}},
    ]
    described = [
        {
            "name": m,
            "description": m,
            "columns": [{"name": column, "description": column, "data_tests": three if tests else []}],
        }
        for m in models
    ]
    (folder / "models" / "models.yml").write_text(yaml.safe_dump({"models": described}))
    parts = conninfo_to_dict(libpq_url(data.url(settings, "bench_sasaran")))
    output = {
        "type": "postgres", "host": parts["host"], "port": int(parts.get("port") or 5432), "user": parts["user"],
        "password": parts.get("password") or "", "dbname": "bench_sasaran", "schema": "public", "threads": 4,
    }  # fmt: skip
    (folder / "profiles.yml").write_text(yaml.safe_dump({"bench": {"target": "b", "outputs": {"b": output}}}))
    return folder


def _small(settings: Settings) -> Path:
    """The folder of a hundred models of 200 rows, three tests each."""
    base = "select g as k, 'nama ' || g as nama from generate_series(1, 200) as g"
    join = "select a.k, b.nama from {{{{ ref('m{:03}') }}}} as a join {{{{ ref('m{:03}') }}}} as b using (k)"
    models = {f"m{n:03}": base if n < _BASES else join.format(n - _BASES, n % _BASES) for n in range(MODELS)}
    return _folder(settings, "models", models, "k", tests=True)


def _timed(command: list[str], **env: str) -> dict[str, Any]:
    """The seconds of the whole process when it runs for the second time."""
    seconds = 0.0
    for _ in range(2):
        start = time.perf_counter()
        done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return {"seconds": seconds, "megabytes": 0.0}


def _content(settings: Settings) -> dict[str, Any]:
    """Counts and checksums of all small models."""
    with data.connect(settings, "bench_sasaran") as connection:
        query = sql.SQL("select count(*) || ':' || sum(hashtextextended(m::text, 0)) from public.{} m")
        counts = [
            connection.execute(query.format(sql.Identifier(f"m{n:03}"))).fetchone() for n in range(MODELS)
        ]
    return {"content": str(counts)}


def dbt(settings: Settings, _: int) -> dict[str, Any]:
    """The small models by `dbt build`."""
    folder = _small(settings)
    program = str(settings.project / ".venv-bench" / "bin" / "dbt")
    command = [program, "--quiet", "build", "--project-dir", str(folder), "--profiles-dir", str(folder)]
    return _timed(command, DBT_SEND_ANONYMOUS_USAGE_STATS="false") | _content(settings)


def gudang(settings: Settings, _: int) -> dict[str, Any]:
    """The small models by `gudang models run`."""
    folder = _small(settings)
    command = [sys.executable, "-m", "pipelines.cli.main", "models", "run"]
    place = data.url(settings, "bench_sasaran")
    env = {
        "GUDANG_PROJECT": str(folder.parent),
        "GUDANG_WAREHOUSE_URL": place,
        "PYTHONPATH": str(settings.project),
    }
    return _timed(command, **env) | _content(settings)


def _emptied(settings: Settings, rows: int) -> psycopg.Connection[Any]:
    """A session of the source database without the large model."""
    connection = data.connect(settings, data.source_name(rows))
    connection.execute("drop table if exists public.besar")
    connection.execute("checkpoint")
    return connection


def bare_sql(settings: Settings, rows: int) -> dict[str, Any]:
    """The large model by `create table as` and `analyze`."""
    with _emptied(settings, rows) as connection:
        start = time.perf_counter()
        connection.execute(f"create table public.besar as {_LARGE}".encode())
        connection.execute("analyze public.besar")
        return {"seconds": time.perf_counter() - start, "megabytes": 0.0}


def gudang_large(settings: Settings, rows: int) -> dict[str, Any]:
    """The large model by our runner."""
    from pipelines.models.build.runner import build
    from pipelines.models.project.project import load_project

    project = load_project(_folder(settings, "large", {"besar": _LARGE}, "id", tests=False))
    with _emptied(settings, rows):
        start = time.perf_counter()
        results = build(project, libpq_url(data.url(settings, data.source_name(rows))))
        assert [r.state for r in results] == ["ok"], results
        return {"seconds": time.perf_counter() - start, "megabytes": 0.0}
