"""A suite is left if the same rows passed it before under the same rules, and asked in every other case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.contracts.model import Contract
from pipelines.ingest import Ingested, ingest
from pipelines.load import prepare
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column, database, document, make
from tests.support.dbt_folder import DbtFolder, query

KNOWN = "select b.id from {batch} b left join core.ref_pasar r on r.id = b.id where r.id is null"
ASKED, LEFT = True, False


class Markets:
    """A table of a database that is loaded as a whole, and its suite, which reads a reference table."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=self.url)
        self.connection = connect(self.url)
        doc = document(
            "dagang/pasar",
            [column("id", "integer", primaryKey=True), column("nama")],
            database("UJI_URL"),
            extract={"table": "pasar"},
        )
        self.contract: Contract = make(folder / "contracts", doc)
        prepare.prepare(self.connection, [self.contract])
        self.source = psycopg.connect(url, autocommit=True)
        self.source.execute("create table public.pasar (id int, nama text)")
        self.source.execute("insert into pasar values (1, 'Pagi'), (2, 'Segiri')")
        self.source.execute("create table core.ref_pasar (id int)")
        self.source.execute("insert into core.ref_pasar values (1), (2), (3)")
        self.models = DbtFolder(folder / "dbt_like_sql")
        self.models.suites = folder / "expectations"
        self.rules(
            query("dikenal", KNOWN, "critical"), query("bernama", "select 1 from {batch} where nama is null")
        )

    def rules(self, *written: Any) -> None:
        self.models.suite("dagang/pasar", *written)

    def load(self, run: str) -> Ingested:
        return ingest(self.connection, self.contract, self.settings, self.url, run_id=run)

    def asks(self, run: str) -> bool:
        """Loads, and says whether the suite was run. Every load answers all rules."""
        done = self.load(run)
        assert {c.name for c in done.checks} >= {"ada_baris", "unik_kunci", "dikenal", "bernama"}
        assert [c.description for c in done.checks if not c.passed] == []
        recorded = self.connection.execute(
            "select count(*) filter (where check_name = 'unik_kunci') from ops.check_result where run_id = %s",
            [run],
        ).fetchone()
        noted = {c.name for c in done.checks if c.note}
        assert recorded is not None and (recorded[0] == 1) == (not noted)
        return recorded == (1,)


@pytest.fixture
def markets(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Markets]:
    monkeypatch.setenv("UJI_URL", warehouse_url)
    made = Markets(warehouse_url, tmp_path)
    yield made
    made.connection.close()
    made.source.close()


def test_a_suite_is_left_only_where_nothing_that_it_reads_has_changed(markets: Markets) -> None:
    assert markets.asks("pertama") is ASKED
    assert markets.asks("sama") is LEFT
    markets.source.execute("update pasar set nama = 'Pagi Baru' where id = 1")
    assert markets.asks("baris lain") is ASKED
    markets.source.execute("update pasar set nama = 'Pagi' where id = 1")
    assert markets.asks("baris semula") is LEFT
    markets.source.execute("insert into core.ref_pasar values (4)")
    assert markets.asks("acuan lain") is ASKED
    markets.rules(
        query("dikenal", KNOWN, "critical"), query("bernama", "select 1 from {batch} where nama = ''")
    )
    assert markets.asks("aturan lain") is ASKED
    assert markets.asks("aturan sama") is LEFT


def test_a_suite_whose_answer_depends_on_more_is_asked_every_time(markets: Markets) -> None:
    for asked in (
        "select 1 from {batch} where date '2020-01-01' > current_date",
        "select 1 from {batch} where _loaded_at < '2020-01-01'",
        "select 1 from {batch} where random() < 0",
    ):
        markets.rules(query("dikenal", KNOWN, "critical"), query("bernama", asked))
        assert markets.asks(f"pertama: {asked}") is ASKED
        assert markets.asks(f"lagi: {asked}") is ASKED


def test_rows_of_which_a_rule_warned_are_asked_about_again(markets: Markets) -> None:
    markets.source.execute("insert into pasar values (3, null)")
    for run in ("pertama", "lagi"):
        (warned,) = [c for c in markets.load(run).checks if not c.passed]
        assert warned.name == "bernama" and not warned.note
