"""Backups of a real warehouse, restored into another server that is empty."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pipelines.backup import folder as form
from pipelines.backup.restore import restore_backup
from pipelines.backup.write import LATEST, Source, write_backup
from pipelines.errors import GudangError
from pipelines.runtime.embedded import EmbeddedServer, Urls
from pipelines.settings import PROJECT_ROOT, Settings
from tests.support.disk import SyncedFiles
from tests.support.servers import short_folder
from tests.support.templates import Templates

SECRET_KEY = "kunci-rahasia-yang-tidak-boleh-ikut-di-cadangan"


@pytest.fixture(scope="module")
def empty_server() -> Iterator[EmbeddedServer]:
    with short_folder() as folder:
        server = EmbeddedServer(folder / "home")
        server.ensure()
        yield server
        server.stop()


@pytest.fixture
def source(tmp_path: Path, templates: Templates, server_urls: Urls) -> Iterator[Source]:
    """An installation with reference data, rows in quarantine, a role of its own, uploads and a publication."""
    with templates.database(templates.reference) as warehouse, templates.database() as dagster:
        with psycopg.connect(warehouse, autocommit=True) as connection:
            connection.execute("drop role if exists pembaca_uji")
            connection.execute("create role pembaca_uji nologin")
            connection.execute("grant usage on schema core to pembaca_uji")
            connection.execute("grant select on core.ref_wilayah to pembaca_uji")
            connection.execute(
                "insert into ops.load_batch (dataset, run_id, state) select 'uji/é' || n, 'r', 'loaded'"
                " from generate_series(1, 50) n"
            )
            connection.execute("create table landing.sementara (a text)")
        with psycopg.connect(dagster, autocommit=True) as connection:
            connection.execute("create table runs (id serial primary key, body text)")
            connection.execute("insert into runs (body) values ('satu'), ('dua')")
        home = tmp_path / "home"
        (home / "unggahan" / "dinkes" / "kunjungan").mkdir(parents=True)
        (home / "unggahan" / "dinkes" / "kunjungan" / "november é.csv").write_bytes(b"id\n1\n")
        edition = home / "publikasi" / "edisi" / "000001"
        edition.mkdir(parents=True)
        (edition / "laporan.html").write_text("laporan")
        (home / "publikasi" / "kini").symlink_to("edisi/000001")
        (home / "kunci").write_text(SECRET_KEY)
        settings = Settings(home, PROJECT_ROOT, warehouse)
        yield Source(settings, EmbeddedServer(home).bin_dir, warehouse, dagster)
        with psycopg.connect(warehouse, autocommit=True) as connection:
            connection.execute("drop owned by pembaca_uji")
            connection.execute("drop role pembaca_uji")


def target_of(server: EmbeddedServer, home: Path, *, anew: bool = True) -> Source:
    """An installation on the other server; its databases are empty."""
    urls = server.urls
    if anew:
        with psycopg.connect(urls.libpq("postgres"), autocommit=True) as admin:
            for name in ("gudang", "dagster"):
                admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
                admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    settings = Settings(home, PROJECT_ROOT, urls.warehouse)
    return Source(settings, server.bin_dir, urls.warehouse, urls.dagster)


def contents(url: str) -> dict[str, tuple[object, ...]]:
    """Rows and hash of each table, the definition of each view and function, the rights, and each sequence's value."""
    found: dict[str, tuple[object, ...]] = {}
    with closing(psycopg.connect(url.replace("+psycopg2", "").replace("+psycopg", ""))) as connection:
        relations = connection.execute(
            "select n.nspname, c.relname, c.relkind, c.relacl::text from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'landing')"
            " and c.relkind in ('r', 'v', 'S')"
        ).fetchall()
        for schema, name, kind, rights in relations:
            table = sql.Identifier(schema, name)
            query = {
                "r": "select count(*), md5(string_agg(md5(t::text), '' order by md5(t::text))) from {} t",
                "v": "select pg_get_viewdef({}::regclass)",
                "S": "select last_value from {}",
            }[kind]
            of: sql.Composable = sql.Literal(table.as_string(None)) if kind == "v" else table
            row = connection.execute(sql.SQL(query).format(of)).fetchone()
            assert row is not None
            found[f"{schema}.{name}"] = (kind, rights, *row)
        functions = connection.execute(
            "select p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid)) from pg_proc p"
            " join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'ops'"
        ).fetchall()
        found |= {name: (body,) for name, body in functions}
    return found


def test_every_table_of_a_restored_backup_equals_its_source(
    source: Source, empty_server: EmbeddedServer, tmp_path: Path
) -> None:
    lines: list[str] = []
    made = write_backup(source, tmp_path / "cadangan", keep=3, say=lines.append)
    target = target_of(empty_server, tmp_path / "baru")
    restore_backup(target, made, say=lines.append)

    expected = contents(source.warehouse)
    assert expected["ops.load_batch"][2] == 50 and len(expected) > 60
    assert contents(target.warehouse) == expected
    assert contents(target.dagster) == contents(source.dagster)
    assert "role pembaca_uji dibuat, tanpa login" in lines
    home = target.settings.home
    assert (home / "unggahan/dinkes/kunjungan/november é.csv").read_bytes() == b"id\n1\n"
    assert (home / "publikasi/kini").readlink() == Path("edisi/000001")
    assert (home / "publikasi/kini/laporan.html").read_text() == "laporan"
    assert not [p for p in made.iterdir() if SECRET_KEY.encode() in p.read_bytes()], "the key is kept apart"
    assert {p.stat().st_mode & 0o077 for p in made.iterdir() if p.name != form.MANIFEST} == {0}


def test_nothing_is_restored_from_a_damaged_backup_or_into_what_is_not_empty(
    source: Source, empty_server: EmbeddedServer, tmp_path: Path
) -> None:
    made = write_backup(source, tmp_path / "cadangan", keep=1, say=print)
    target = target_of(empty_server, tmp_path / "baru")
    with (made / form.WAREHOUSE).open("r+b") as file:
        file.seek(5000)
        file.write(b"rusak")
    with pytest.raises(GudangError, match=r"gudang\.dump: berkas cadangan ini rusak"):
        restore_backup(target, made, say=print)
    assert contents(target.warehouse) == contents(target.dagster) == {}

    again = write_backup(source, tmp_path / "cadangan", keep=1, say=print)
    with psycopg.connect(empty_server.urls.libpq("dagster"), autocommit=True) as connection:
        connection.execute("create table milik_lain (a int)")
    with pytest.raises(
        GudangError, match=r"basis data dagster: tidak kosong \(misalnya public\.milik_lain\)"
    ):
        restore_backup(target, again, say=print)
    assert contents(target.warehouse) == {}
    assert not (tmp_path / "baru").exists()


def test_an_archive_that_leads_outside_is_refused_before_anything_is_written(
    source: Source, empty_server: EmbeddedServer, tmp_path: Path
) -> None:
    made = write_backup(source, tmp_path / "cadangan", keep=None, say=print)
    with tarfile.open(made / form.UPLOADS, "w") as archive:
        link = tarfile.TarInfo("dinkes/passwd")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    manifest = form.read_manifest(made)
    size, sha = (made / form.UPLOADS).stat().st_size, form.sha256_of(made / form.UPLOADS)
    changed = replace(manifest, files={**manifest.files, form.UPLOADS: form.File(size, sha)})
    (made / form.MANIFEST).write_text(changed.as_json())
    target = target_of(empty_server, tmp_path / "baru")
    with pytest.raises(GudangError, match="isi arsip ini ditolak: 'dinkes/passwd' menuju ke luar"):
        restore_backup(target, made, say=print)
    assert contents(target.warehouse) == {}


def test_files_come_back_into_the_folders_of_accounts_and_links_are_left_out(
    source: Source, empty_server: EmbeddedServer, tmp_path: Path
) -> None:
    zone = source.settings.home / "unggahan"
    (zone / "dinkes" / "luar.csv").symlink_to("/etc/passwd")
    (zone / "dinkes" / "naik.csv").symlink_to("../../kunci")
    (zone / "dinkes" / "lingkaran.csv").symlink_to("lingkaran.csv")
    os.mkfifo(zone / "dinkes" / "pipa.csv")
    made = write_backup(source, tmp_path / "cadangan", keep=None, say=print)
    account = tmp_path / "baru" / "unggahan" / "dinkes"
    account.mkdir(parents=True)
    account.chmod(0o2770)
    restore_backup(target_of(empty_server, tmp_path / "baru"), made, say=print)
    assert sorted(p.relative_to(account).as_posix() for p in account.rglob("*")) == [
        "kunjungan", "kunjungan/november é.csv",
    ]  # fmt: skip
    assert account.stat().st_mode & 0o7777 == 0o2770


def test_folders_that_may_not_be_read_are_named(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, and the tests may run as root: so the test gives the answers of the system itself."""
    zone = source.settings.home / "unggahan"
    closed, listed = zone / "bkd", zone / "dispar"
    for folder in (closed, listed):
        folder.mkdir()
        (folder / "data.csv").write_text("id\n1\n")
    scandir, is_symlink = os.scandir, Path.is_symlink

    def scandir_as_a_user(path: str | Path = ".") -> Iterator[os.DirEntry[str]]:
        if Path(path) == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    def is_symlink_as_a_user(path: Path) -> bool:
        if path.parent == listed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return is_symlink(path)

    monkeypatch.setattr(os, "scandir", scandir_as_a_user)
    monkeypatch.setattr(Path, "is_symlink", is_symlink_as_a_user)
    made = write_backup(source, tmp_path / "cadangan", keep=None, say=print)
    monkeypatch.undo()
    left_out = form.read_manifest(made).left_out
    assert {part for part in left_out if "kunci" not in part} == {
        f"{closed} (tidak dapat dibaca)", f"{listed} (tidak dapat dibaca)",
    }  # fmt: skip
    with tarfile.open(made / form.UPLOADS) as archive:
        assert "dinkes/kunjungan/november é.csv" in archive.getnames()


def test_only_the_newest_backups_are_kept_and_the_latest_is_noted(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "cadangan"
    older = [place / name for name in ("2026-01-01T000000Z", "2026-01-02T000000Z")]
    for folder in (*older, place / f"2026-01-03T000000Z{form.PARTIAL}"):
        folder.mkdir(parents=True)
        (folder / form.MANIFEST).write_text("{}")
    synced = SyncedFiles(monkeypatch)
    made = write_backup(source, place, keep=2, say=print)
    assert synced.missing(made) == synced.missing(source.settings.home / "cadangan") == []
    assert form.backups(place) == [older[1], made]
    assert not list(place.glob(f"*{form.PARTIAL}"))
    latest = json.loads((source.settings.home / "cadangan" / LATEST).read_text())
    assert latest["ukuran"] == form.read_manifest(made).size


def test_a_killed_backup_leaves_no_backup_and_no_pg_dump(source: Source, tmp_path: Path) -> None:
    place = tmp_path / "cadangan"
    code = (
        "import sys; from pathlib import Path; from pipelines.backup.write import Source, write_backup;"
        "from pipelines.settings import PROJECT_ROOT, Settings; home, bin_dir, url, dagster, place = sys.argv[1:];"
        "write_backup(Source(Settings(Path(home), Path('.'), url), Path(bin_dir), url, dagster), Path(place),"
        " keep=1, say=print)"
    )
    with psycopg.connect(source.warehouse) as blocking:
        blocking.execute("lock table ops.load_batch in access exclusive mode")
        arguments = [
            str(source.settings.home), str(source.bin_dir), source.warehouse, source.dagster, str(place),
        ]  # fmt: skip
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=PROJECT_ROOT)
        _wait_for_dumps(source, 1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    _wait_for_dumps(source, 0)
    assert form.backups(place) == []


def _wait_for_dumps(source: Source, count: int) -> None:
    """Waits until so many pg_dump read the source. Fails after 30 seconds."""
    deadline = time.monotonic() + 30
    query = "select count(*) from pg_stat_activity where application_name = 'pg_dump' and datname = current_database()"
    with psycopg.connect(source.warehouse, autocommit=True) as connection:
        while connection.execute(query).fetchone() != (count,):
            assert time.monotonic() < deadline
            time.sleep(0.05)
