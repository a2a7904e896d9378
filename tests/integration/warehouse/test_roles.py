"""The roles of the warehouse do what they are for, and each is refused what it is not for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from pipelines.load.prepare import prepare
from pipelines.models.build.runner import build
from pipelines.runtime.embedded import Urls
from pipelines.warehouse.roles import LOAD, LOKET, PERSONAL, READ
from tests.support.contracts import column
from tests.support.dbt_folder import DbtFolder
from tests.support.loads import Loads
from tests.support.servers import fresh_name
from tests.support.templates import Templates

NIK = "9901010101900001"


class Installation:
    """A warehouse that LOAD owns, and a log-in for each role."""

    def __init__(self, admin: str, database: str, urls: Urls, folder: Path) -> None:
        self.urls, self.database = urls, database
        self.users = {role: f"{role}_{fresh_name()}" for role in (LOAD, READ, PERSONAL, LOKET)}
        with closing(psycopg.connect(admin, autocommit=True)) as connection:
            for role, user in self.users.items():
                names = {"role": sql.Identifier(role), "user": sql.Identifier(user)}
                connection.execute(sql.SQL("create role {user} login in role {role}").format(**names))
            connection.execute(
                sql.SQL("alter role {} in database {} set role = {}").format(
                    sql.Identifier(self.users[LOAD]), sql.Identifier(database), sql.Literal(LOAD)
                )
            )
            connection.execute(
                sql.SQL("alter database {} owner to {}").format(
                    sql.Identifier(database), sql.Identifier(LOAD)
                )
            )
        self.loads = Loads(self.url(LOAD), folder)

    def url(self, role: str) -> str:
        """The URL of the log-in that has this role."""
        url = make_url(self.urls.libpq(self.database)).set(username=self.users[role])
        return url.render_as_string(hide_password=False)

    def outcome(self, role: str, statement: str) -> str:
        """What PostgreSQL answers the role: `ok`, or the SQLSTATE's name of its refusal."""
        with closing(psycopg.connect(self.url(role), autocommit=True)) as connection:
            try:
                connection.execute(statement.encode())
            except psycopg.Error as error:
                return type(error).__name__
        return "ok"


@pytest.fixture
def installation(
    tmp_path: Path, templates: Templates, server_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
    assert (
        templates.prepared
    )  # an administrator has prepared a warehouse on this server, which makes the roles
    with templates.database() as admin:
        made = Installation(admin, make_url(admin).database or "", server_urls, tmp_path)
        yield made
        made.loads.connection.close()
        with closing(psycopg.connect(admin, autocommit=True)) as connection:
            connection.execute(f"alter database {made.database} owner to current_user".encode())
            for name in (LOAD, READ, PERSONAL, LOKET, *made.users.values()):
                connection.execute(sql.SQL("drop owned by {} cascade").format(sql.Identifier(name)))
            for user in made.users.values():
                connection.execute(sql.SQL("drop role {}").format(sql.Identifier(user)))


def test_each_role_may_do_its_work_and_nothing_else(installation: Installation, tmp_path: Path) -> None:
    loads = installation.loads
    contract = loads.contract(
        column("id", "integer", primaryKey=True),
        column(
            "nik", classification="pribadi", pseudonymise="uji", retain_original="Permenkes 24/2022 pasal 27"
        ),
        write_disposition="replace",
    )
    prepare(loads.connection, [contract])
    assert loads.load(contract, lambda *_: [["1", NIK], ["2", NIK]]).loaded == 2
    folder = DbtFolder(tmp_path / "dbt")
    folder.write(
        "models/marts/jumlah.sql",
        "{{ config(schema='mart_satu_data') }} select count(*) as n from {{ source('uji', 'data') }}",
    )
    folder.write(
        "models/sources.yml",
        "sources: [{name: uji, schema: raw, tables: [{name: data, identifier: uji__data}]}]",
    )
    built = build(folder.project(), installation.url(LOAD))
    assert [(r.state, r.error) for r in built] == [("ok", None)]
    build(folder.project(), installation.url(LOAD))  # the second release exchanges the table

    refused = "InsufficientPrivilege"
    expected = {
        "select n from mart_satu_data.jumlah": ("ok", "ok", refused, refused),
        "select nik from raw.uji__data": ("ok", refused, refused, refused),
        "select * from ops.load_batch": ("ok", refused, refused, "ok"),
        "select * from quarantine.row": ("ok", refused, refused, refused),
        "select source_position, reasons from quarantine.row": ("ok", refused, refused, "ok"),
        "select asset from ops.check_result": ("ok", refused, refused, refused),
        "insert into ops.upload_by (dataset, name, sha256, uploader) values ('a', 'b', 'c', 'd')": (
            "ok",
            refused,
            refused,
            "ok",
        ),
        "insert into ops.upload_by (dataset, name, sha256, uploader, at) values ('a', 'b', 'c', 'd', now())": (
            "ok",
            refused,
            refused,
            refused,
        ),
        "select reason from quarantine.confirmed": ("ok", refused, refused, "ok"),
        "delete from quarantine.withdrawal": ("ok", refused, refused, refused),
        "update quarantine.withdrawal set withdrawn_by = 'x'": ("ok", refused, refused, refused),
        "update ops.upload_by set uploader = 'x'": ("ok", refused, refused, refused),
        "delete from ops.upload_seen": ("ok", refused, refused, refused),
        "select * from ops.dataset_state, ops.upload_seen, ops.upload_by": ("ok", refused, refused, "ok"),
        "select * from ops.scores_of_dataset('uji/data')": ("ok", refused, refused, "ok"),
        "select asli from pribadi.uji__data": ("ok", refused, "ok", refused),
        "delete from pribadi.uji__data where kolom = 'x'": ("ok", refused, "ok", refused),
        "insert into pribadi.uji__data values ('a', 'b', 'c', 1)": ("ok", refused, refused, refused),
        "insert into mart_satu_data.jumlah values (1)": ("ok", refused, refused, refused),
        "create table mart_satu_data.lain (a int)": ("ok", refused, refused, refused),
        "create table public.lain (a int)": ("ok", refused, refused, refused),
        "create role penyusup superuser": (refused, refused, refused, refused),
        "create database lain": (refused, refused, refused, refused),
        "select pg_read_file('/etc/hostname')": (refused, refused, refused, refused),
        "copy (select 1) to program 'true'": (refused, refused, refused, refused),
        "set role postgres": (refused, refused, refused, refused),
        f"alter role {READ} login": (refused, refused, refused, refused),
        "alter system set work_mem = '1GB'": (refused, refused, refused, refused),
    }
    found = {
        statement: tuple(installation.outcome(role, statement) for role in (LOAD, READ, PERSONAL, LOKET))
        for statement in expected
    }
    assert found == expected
