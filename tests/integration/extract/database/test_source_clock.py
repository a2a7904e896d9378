"""Cursors and windows over times that a source keeps as text, in a time zone and form of its own.

No row is lost or loaded twice, and no window deletes what another one loaded. The expected rows come from a model in
plain Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.files import read_contract
from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.errors import ContractError, ShapeError
from pipelines.load.approval.decide import APPROVED, Decision, decide
from tests.support.clocks import FORMS, WITA, Nights, Table, mixed, moment
from tests.support.contracts import api, column, database, document, write
from tests.support.http_server import Server, reply

# Times before and after midnight in Kalimantan and in UTC.
EARLY = ["2026-09-01 00:30", "2026-09-01 07:59", "2026-09-01 08:00", "2026-09-01 23:59", "2026-09-02 00:00"]
LATE = ["2026-09-02 00:00", "2026-09-02 00:29", "2026-09-02 07:59", "2026-09-02 08:01", "2026-09-03 07:59"]


@pytest.fixture(scope="module")
def nights(module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    made = Nights(module_warehouse_url, tmp_path_factory.mktemp("kontrak"))
    yield made
    made.connection.close()


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def table(
    request: pytest.FixtureRequest, nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Table:
    match request.param:
        case "postgresql":
            url = nights.url
        case "mariadb":
            url = str(request.getfixturevalue("mariadb_url"))
        case _:
            url = f"sqlite:///{tmp_path}/sumber.db"
    return Table(url, monkeypatch)


def when(kind: str = "timestamptz", parse: str | None = None) -> dict[str, Any]:
    return column("w", kind, required=True, **({"parse": parse} if parse else {}))


def moments(nights: Nights) -> list[datetime]:
    """The times in raw, in order, in the time zone of Kalimantan."""
    found = nights.run("select w::timestamptz from raw.uji__data order by 1")
    return [row[0].astimezone(WITA) for row in found]


@pytest.mark.parametrize("form", [*FORMS, "mixed"])
def test_a_text_cursor_loses_and_doubles_no_row(nights: Nights, table: Table, form: str) -> None:
    to_text, kind, parse = FORMS.get(form, (mixed, "timestamp", "zona_wita"))
    contract = nights.contract(
        column("k", "integer"), when(kind, parse), write_disposition="append", cursor="w"
    )
    nights.forget()
    table.make("k int, w varchar(40)")
    expected: list[datetime] = []
    for night in (EARLY, LATE, LATE[-1:]):
        new = [moment(text) for text in night]
        table.add((len(expected) + i, to_text(at)) for i, at in enumerate(new))
        expected += new
        nights.load(contract)
        assert moments(nights) == sorted(expected)
    done = nights.load(contract)
    assert done.batch is not None and (done.batch.loaded, done.batch.quarantined) == (0, 0)


@pytest.mark.parametrize("form", ["utc", "a date behind", "minutes", "mixed"])
def test_a_window_reads_and_replaces_only_the_rows_of_its_days(
    nights: Nights, table: Table, form: str
) -> None:
    to_text, kind, parse = FORMS.get(form, (mixed, "timestamp", "zona_wita"))
    contract = nights.contract(
        column("k", "integer", primaryKey=True),
        when(kind, parse),
        partition={"column": "w", "every": "daily", "start": "2026-09-01"},
    )
    nights.forget()
    table.make("k int, w varchar(40)")
    rows = sorted({moment(text) for text in EARLY + LATE})
    table.add((i, to_text(at)) for i, at in enumerate(rows))
    for first, last in ((1, 1), (2, 2), (1, 1), (3, 3), (1, 2), (2, 3)):
        done = nights.load(contract, Window(date(2026, 9, first), date(2026, 9, last)))
        assert done.batch is not None and done.batch.quarantined == 0
        inside = [at for at in rows if first <= at.astimezone(WITA).day <= last]
        assert done.batch.read == len(inside), "rows of other days are neither counted nor quarantined"
        found = [at for at in moments(nights) if first <= at.day <= last]
        assert found == inside
    assert moments(nights) == rows


def test_a_time_of_24_00_belongs_to_the_next_day(nights: Nights, table: Table) -> None:
    contract = nights.contract(
        column("k", "integer", primaryKey=True),
        when("timestamp"),
        partition={"column": "w", "every": "daily", "start": "2026-09-01"},
    )
    nights.forget()
    table.make("k int, w varchar(40)")
    table.add([(1, "2026-09-01 23:00:00"), (2, "2026-09-01 24:00:00"), (3, "2026-09-01 23:59:60")])
    for day, expected in ((1, [1]), (2, [1, 2, 3]), (1, [1, 2, 3])):
        done = nights.load(contract, Window(date(2026, 9, day), date(2026, 9, day)))
        assert done.batch is not None and done.batch.quarantined == 0
        assert nights.run("select k from raw.uji__data order by k") == [(k,) for k in expected]


@pytest.mark.parametrize("made", [{"cursor": "d", "write_disposition": "merge"}, {"partition": {}}])
def test_dates_that_no_source_can_compare_are_refused_by_validate(
    nights: Nights, made: dict[str, Any]
) -> None:
    """As texts, 02/10/2026 comes before 15/09/2026."""
    if "partition" in made:
        made = {"partition": {"column": "d", "every": "daily", "start": "2026-09-01"}}
    columns = [
        column("k", "integer", primaryKey=True),
        column("d", "date", required=True, parse="tanggal_id"),
    ]
    path = write(
        nights.folder, document("uji/data", columns, database("UJI_URL"), extract={"table": "sumber"}, **made)
    )
    contract, faults = read_contract(path)
    assert contract is None
    assert [(f.line > 1, "tanggal_id" in f.message, "cast" in f.hint) for f in faults] == [(True, True, True)]


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [("varchar(20)", "integer", "9 sesudah 10"), ("int", "date", "tidak dapat menjadi batas pembacaan")],
)
def test_a_cursor_that_its_source_orders_differently_stops_the_first_load(
    nights: Nights, table: Table, source: str, kind: str, message: str
) -> None:
    nights.forget()
    table.make(f"k int, c {source}")
    table.add([(1, 20260901 if source == "int" else "9")])
    contract = nights.contract(
        column("k", "integer", primaryKey=True),
        column("c", kind, required=True),
        write_disposition="merge",
        cursor="c",
    )
    if table.engine.dialect.name == "sqlite" and kind == "date":
        # SQLite keeps any value in any column, so its types cannot stop a load. The row is counted instead.
        first, second = nights.load(contract).batch, nights.load(contract).batch
        assert first is not None and first.loaded == 1
        assert second is not None and second.unreachable == 1
        return
    with pytest.raises(ContractError, match=message):
        nights.load(contract)


def test_a_window_whose_column_is_missing_is_a_shape_error(nights: Nights, table: Table) -> None:
    nights.forget()
    table.make("k int")
    contract = nights.contract(
        column("k", "integer", primaryKey=True),
        column("w", "date"),
        schema_contract="evolve",
        partition={"column": "w", "every": "daily", "start": "2026-09-01"},
    )
    with pytest.raises(ShapeError, match="tidak punya kolom w"):
        nights.load(contract, Window(date(2026, 9, 1), date(2026, 9, 1)))


def test_rows_that_the_cursor_cannot_find_are_counted_with_a_warning(
    nights: Nights, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    contract = nights.contract(
        column("k", "integer", primaryKey=True),
        when(),
        write_disposition="merge",
        cursor="w",
        max_quarantine_share=1,
    )
    nights.forget()
    table.make("k int, w varchar(40)")
    table.add([(1, "2026-09-01T00:00:00Z")])
    nights.load(contract)
    table.add([(2, None), (3, "kemarin"), (4, "2026-09-02T00:00:00Z")])
    done = nights.load(contract)
    assert done.batch is not None and (done.batch.loaded, done.batch.unreachable) == (1, 2)
    ((passed, severity, unexpected, message),) = nights.run(
        "select passed, severity, unexpected, message from ops.check_result where check_name = 'baris_tak_terjangkau'"
        " order by at desc limit 1"
    )
    assert (passed, severity, unexpected) == (False, "warn", 2)
    assert message.startswith("2 baris sumber tidak punya w yang dapat dibandingkan")
    assert message in caplog.text
    assert nights.run("select rows_unreachable from ops.load_batch order by batch_id") == [(None,), (2,)]


class Since:
    """An API that gives the rows that are not before `since`; `read` says how it compares its texts."""

    def __init__(self, server: Server, read: Any) -> None:
        self.rows: dict[int, str] = {}
        self.read, self.server = read, server
        self.requested: list[str | None] = []
        server.answer = self.answer

    def answer(self, ask: Any) -> Any:
        since = ask.query.get("since")
        self.requested.append(since)
        found = [
            {"k": k, "w": w}
            for k, w in self.rows.items()
            if since is None or self.read(w) >= self.read(since)
        ]
        return reply({"data": found or [{"k": k, "w": w} for k, w in [*self.rows.items()][-1:]]})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    running = Server()
    monkeypatch.setenv("UJI_URL", running.url)
    yield running
    running.stop()


def _ddmm(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y")  # a day has no time zone


@pytest.mark.parametrize(
    ("kind", "custom", "texts", "read", "requested"),
    [
        (
            {"kind": "timestamp", "parse": "zona_wita"},
            {},
            ["2026-09-01T00:30:00Z", "2026-09-01T01:00:00Z", "2026-09-01T01:00:00Z"],
            datetime.fromisoformat,
            [None, "2026-09-01T00:30:00Z", "2026-09-01T01:00:00Z"],
        ),
        (
            {"kind": "timestamptz"},
            {"lag": "PT2H"},
            ["2026-09-01T00:30:00.500Z", "2026-09-01T01:00:00.000Z", "2026-08-31T23:30:00.000Z"],
            datetime.fromisoformat,
            [None, "2026-08-31T22:30:00.500Z", "2026-08-31T23:00:00.000Z"],
        ),
        (
            {"kind": "date", "parse": "tanggal_id"},
            {},
            ["30/09/2026", "01/10/2026", "02/10/2026"],
            _ddmm,
            [None, "30/09/2026", "01/10/2026"],
        ),
        (
            {"kind": "integer"},
            {"lag": 5},
            ["100", "110", "106"],
            int,
            [None, "95", "105"],
        ),
    ],
)
def test_an_api_is_requested_in_its_own_time_zone_and_form(
    nights: Nights, server: Server, kind: dict[str, Any], custom: dict[str, Any], texts: list[str], read: Any,
    requested: list[str | None],
) -> None:  # fmt: skip
    contract = nights.contract(
        column("k", "integer", primaryKey=True),
        column("w", required=True, **kind),
        server=api("UJI_URL"),
        extract={"path": "/v1", "records": "/data", "incremental_param": "since"},
        write_disposition="merge",
        cursor="w",
        **custom,
    )
    nights.forget()
    source = Since(server, read)
    for k, text in enumerate(texts):
        source.rows[k] = text
        nights.load(contract)
    assert nights.run("select k from raw.uji__data order by k") == [(k,) for k in range(len(texts))]
    assert source.requested == requested


def test_a_watermark_without_the_sources_text_reads_everything_once(nights: Nights, server: Server) -> None:
    contract = nights.contract(
        column("k", "integer", primaryKey=True),
        when("timestamp", "zona_wita"),
        server=api("UJI_URL"),
        extract={"path": "/v1", "records": "/data", "incremental_param": "since"},
        write_disposition="merge",
        cursor="w",
    )
    nights.forget()
    source = Since(server, datetime.fromisoformat)
    source.rows = {1: "2026-09-01T00:30:00Z"}
    nights.load(contract)
    nights.run("update ops.watermark set source_text = null")
    source.rows[2] = "2026-08-31T00:30:00Z"  # a row that the old watermark had hidden
    nights.load(contract)
    nights.load(contract)
    assert source.requested == [None, None, "2026-09-01T00:30:00Z"]
    assert nights.run("select k from raw.uji__data order by k") == [(1,), (2,)]


def test_a_load_that_is_approved_later_leaves_the_apis_own_text(nights: Nights, server: Server) -> None:
    contract = nights.contract(
        column("k", "integer", primaryKey=True),
        when("timestamp", "zona_wita"),
        server=api("UJI_URL"),
        extract={"path": "/v1", "records": "/data", "incremental_param": "since"},
        write_disposition="merge",
        cursor="w",
        approval="required",
    )
    nights.forget()
    source = Since(server, datetime.fromisoformat)
    source.rows = {1: "2026-09-01T00:30:00Z"}
    nights.load(contract)
    ((number,),) = nights.run("select batch_id from ops.load_batch where state = 'waiting'")
    decide(nights.connection, [contract], Decision(number, APPROVED, "siti", "cli"))
    nights.load(contract)
    assert source.requested == [None, "2026-09-01T00:30:00Z"]
    assert nights.run("select k from raw.uji__data") == [(1,)]


def test_a_lag_of_an_api_needs_a_text_from_which_it_can_be_subtracted(nights: Nights) -> None:
    columns = [
        column("k", "integer", primaryKey=True),
        column("w", "date", required=True, parse="tanggal_id"),
    ]
    doc = document(
        "uji/data", columns, api("UJI_URL"), extract={"path": "/v1", "incremental_param": "since"},
        write_disposition="merge", cursor="w", lag="P1D",
    )  # fmt: skip
    contract, faults = read_contract(write(nights.folder, doc))
    assert contract is None and ["lag dikurangkan dari teks asli" in f.message for f in faults] == [True]


@pytest.mark.parametrize("kind", ["integer", "numeric(10,2)"])
@pytest.mark.parametrize("table", ["postgresql", "mariadb", "sqlite"], indirect=True)
def test_a_row_committed_late_is_read_within_the_lag_of_a_number(
    nights: Nights, table: Table, kind: str
) -> None:
    """A sequence gives 98 to one transaction and 99 to another, which commits first."""
    contract = nights.contract(
        column("id", kind, primaryKey=True), write_disposition="append", cursor="id", lag=5
    )
    nights.forget()
    table.make("id int")
    table.add([(90,), (99,)])
    nights.load(contract)
    table.add([(98,), (93,)])
    nights.load(contract)
    assert nights.run("select id from raw.uji__data order by id") == [(90,), (98,), (99,)]


def test_overlooked_and_refused_rows_are_requested_in_the_apis_own_form(
    nights: Nights, server: Server
) -> None:
    def contract(pattern: str) -> Contract:
        return nights.contract(
            column("k", "integer", primaryKey=True),
            column("kode", logicalTypeOptions={"pattern": pattern}),
            when("timestamp", "zona_wita"),
            server=api("UJI_URL"),
            extract={"path": "/v1", "records": "/data", "incremental_param": "since"},
            write_disposition="merge",
            cursor="w",
            reconcile="PT0S",
            max_quarantine_share=1,
        )

    nights.forget()
    requested: list[str | None] = []
    rows = {1: ("a", "2026-09-05T00:00:00Z"), 2: ("x", "2026-09-03T00:00:00Z")}

    def answer(ask: Any) -> Any:
        since = ask.query.get("since")
        requested.append(since)
        return reply(
            {"data": [{"k": k, "kode": c, "w": w} for k, (c, w) in rows.items() if not since or w >= since]}
        )

    server.answer = answer
    nights.load(contract("^a$"))
    rows[3] = ("a", "2026-09-01T00:00:00Z")  # a late row, before the watermark
    nights.load(contract("^a$"))
    nights.load(contract("^a$"))
    assert nights.run("select k from raw.uji__data order by k") == [(1,), (3,)]
    nights.load(contract("^[ax]$"))
    assert nights.run("select k from raw.uji__data order by k") == [(1,), (2,), (3,)]
    # Requests without a value read all keys. After a change of the pattern, rows are read from a day before the refused
    # one on.
    assert [a for a in requested if a] == [
        "2026-09-05T00:00:00Z",
        "2026-09-01T00:00:00Z",
        "2026-09-02T00:00:00Z",
    ]
