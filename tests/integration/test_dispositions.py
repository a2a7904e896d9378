"""Every disposition against a plain-Python model of the table that must come out, over histories that hypothesis
makes: late rows, equal cursors at the boundary, clocks that go backwards, keys that change their case, rows that go
and come back. And each load again: it changes nothing, and says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.contracts import Contract
from pipelines.errors import LoadError, SourceError
from pipelines.load.plan import Window
from tests.support.contracts import column, upload
from tests.support.loads import Loads, Row, only

T0 = datetime(2024, 5, 1)
KEYS = ["a", "A", "b", "ä"]
NAMES = ["kunci", "nilai", "diubah"]
FEW = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def loads(module_pg_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    made = Loads(module_pg_url, tmp_path_factory.mktemp("kontrak"))
    yield made
    made.connection.close()


def keyed(loads: Loads, **custom: Any) -> Contract:
    return loads.contract(
        column("kunci", primaryKey=True),
        column("nilai", "integer"),
        column("diubah", "timestamp", required=True),
        **custom,
    )


@dataclass
class Source:
    """A table of an OPD: key to value and time of change (minutes after T0, by the OPD's own clock)."""

    rows: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])

    def read(self, contract: Contract, since: str | None) -> list[Row]:
        found = [
            [key, str(value), (T0 + timedelta(minutes=minute)).isoformat()]
            for key, (value, minute) in self.rows.items()
            if since is None or T0 + timedelta(minutes=minute) >= datetime.fromisoformat(since)
        ]
        return only(contract, NAMES, found)

    def apply(self, change: tuple[str, int | None, int]) -> None:
        key, value, minute = change
        if value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = (value, minute)


changes = st.tuples(st.sampled_from(KEYS), st.one_of(st.none(), st.integers(0, 2)), st.integers(0, 6))
histories = st.lists(st.lists(changes, max_size=4), min_size=1, max_size=5)


def again_changes_nothing(loads: Loads, contract: Contract, source: Source) -> None:
    before = loads.raw(contract)
    batch = loads.load(contract, source.read)
    assert (batch.state, batch.loaded, batch.deleted) == ("unchanged", 0, 0)
    assert loads.raw(contract) == before


@FEW
@given(history=histories)
def test_a_replace_is_the_source(loads: Loads, history: list[list[tuple[str, int | None, int]]]) -> None:
    contract = keyed(loads)
    loads.forget(contract)
    source = Source()
    for night in history:
        before = dict(source.rows)
        for change in night:
            source.apply(change)
        batch = loads.load(contract, source.read)
        assert {r[0]: r[1] for r in loads.raw(contract, "kunci", "nilai")} == {
            k: v for k, (v, _) in source.rows.items()
        }
        changed = [k for k, row in source.rows.items() if before.get(k) != row]
        assert (batch.loaded, batch.deleted) == (len(changed), len(set(before) - set(source.rows)))
    again_changes_nothing(loads, contract, source)


@FEW
@given(history=histories, lag=st.sampled_from(["PT0S", "PT2M"]))
def test_an_upsert_keeps_what_was_read_last_of_each_key(
    loads: Loads, history: list[list[tuple[str, int | None, int]]], lag: str
) -> None:
    contract = keyed(loads, write_disposition="merge", cursor="diubah", lag=lag)
    loads.forget(contract)
    source, expected, mark = Source(), dict[str, tuple[int, int]](), None
    for night in history:
        for change in night:
            source.apply(change)
        since = None if mark is None else mark - int(lag[2])
        seen = {k: row for k, row in source.rows.items() if since is None or row[1] >= since}
        expected |= seen
        mark = max([m for _, m in seen.values()] + ([] if mark is None else [mark]), default=None)
        loads.load(contract, source.read)
        found = dict(loads.raw(contract, "kunci", "nilai"))
        assert found == {k: v for k, (v, _) in expected.items()}
    again_changes_nothing(loads, contract, source)


@FEW
@given(history=histories)
def test_a_reconciled_upsert_ends_as_the_source_whatever_its_clock_did(
    loads: Loads, history: list[list[tuple[str, int | None, int]]]
) -> None:
    contract = keyed(loads, write_disposition="merge", cursor="diubah", reconcile="PT0S")
    loads.forget(contract)
    source = Source({"tetap": (0, 0)})
    for night in history:
        for change in night:
            source.apply(change)
        loads.load(contract, source.read)
    loads.load(contract, source.read)  # reads again what the last reconciliation saw that had been overlooked
    alive = {
        r[0]: (r[1], r[2])
        for r in loads.raw(contract, "kunci", "nilai", "diubah", "deleted_at")
        if r[3] is None
    }
    assert alive == {k: (v, T0 + timedelta(minutes=m)) for k, (v, m) in source.rows.items()}
    again_changes_nothing(loads, contract, source)


@dataclass
class Version:
    """One version of the model's history; begin and clock (the row's own) in minutes, a load's own time as None."""

    value: int
    begin: int | None
    clock: int
    ended: bool = False


@FEW
@given(history=histories)
def test_a_history_has_a_version_for_every_change_and_no_two_at_once(
    loads: Loads, history: list[list[tuple[str, int | None, int]]]
) -> None:
    contract = keyed(
        loads, write_disposition="merge", merge_strategy="scd2", cursor="diubah", reconcile="PT0S"
    )
    loads.forget(contract)
    source, mark = Source({"tetap": (0, 0)}), None
    model: dict[str, list[Version]] = {}
    for night in [*history, []]:  # the last reads again what a reconciliation saw that had been overlooked
        for change in night:
            source.apply(change)
        since = mark
        for key, (value, minute) in source.rows.items():
            if since is not None and minute < since:
                continue
            versions = model.setdefault(key, [])
            current = versions[-1] if versions and not versions[-1].ended else None
            if current is None:
                versions.append(Version(value, None if versions else minute, minute))
            elif current.begin is None or minute <= current.begin:
                # Begun at a load, in the source's future: the clock has not moved on.
                current.value, current.clock = value, minute
            elif (value, minute) != (current.value, current.clock):
                current.ended = True
                versions.append(Version(value, minute, minute))
        seen = [m for _, m in source.rows.values() if since is None or m >= since]
        mark = max([*seen, *([] if mark is None else [mark])])
        for key, versions in model.items():
            if key not in source.rows:
                versions[-1].ended = True
        # What the keys show to have been overlooked is read again: no current version, or one of another clock.
        now = {k: v[-1].clock for k, v in model.items() if not v[-1].ended}
        behind = [m for k, (_, m) in source.rows.items() if now.get(k) != m]
        mark = min([mark, *behind])
        loads.load(contract, source.read)
    found: dict[str, list[tuple[Any, ...]]] = {}
    for key, *row in loads.raw(contract, "kunci", "valid_from", "valid_to", "is_current", "nilai"):
        found.setdefault(key, []).append(tuple(row))
    assert {k: [(v.value, not v.ended) for v in versions] for k, versions in model.items()} == {
        k: [(r[3], r[2]) for r in rows] for k, rows in found.items()
    }
    for rows in found.values():
        for (begin, end, current, _), following in zip(rows, [*rows[1:], None], strict=True):
            assert current == (end is None)
            assert end is None or begin < end
            assert following is None or (end is not None and end <= following[0])
    again_changes_nothing(loads, contract, source)


API = {"server": "uji", "type": "api", "location": "${UJI_URL}"}
batches = st.lists(
    st.lists(st.tuples(st.sampled_from(KEYS[:2]), st.integers(0, 9), st.integers(0, 2)), max_size=6),
    min_size=1,
    max_size=4,
)


@FEW
@given(nights=batches, api=st.booleans())
def test_every_version_of_a_key_in_one_reading_is_kept_in_the_order_of_its_clock(
    loads: Loads, nights: list[list[tuple[str, int, int]]], api: bool
) -> None:
    """A log of changes: a row for each (key, minute), of which the first that came in a reading holds."""
    more: dict[str, Any] = {"server": API, "extract": {"path": "/x"}} if api else {}
    contract = keyed(
        loads, write_disposition="merge", merge_strategy="scd2", cursor="diubah", lag="PT9M", **more
    )
    loads.forget(contract)
    model: dict[str, list[list[int]]] = {}
    for night in nights:
        reading: dict[tuple[str, int], int] = {}
        for key, minute, value in night:
            reading.setdefault((key, minute), value)
        for key in {k for k, _ in reading}:
            versions = model.get(key)
            rows = sorted([m, v] for (k, m), v in reading.items() if k == key)
            if versions is None:
                model[key] = rows
                continue
            # The current version is mended by a row of its own time; of a database by an earlier one too, which is
            # its present state where no row of the current time stands beside it.
            last = versions[-1][0]
            own = [v for m, v in rows if (m == last if api else m <= last)]
            if own:
                versions[-1][1] = own[-1]
            versions += [[m, v] for m, v in rows if m > last]
        unique = [[k, str(v), (T0 + timedelta(minutes=m)).isoformat()] for (k, m), v in reading.items()]
        loads.load(contract, lambda *_, unique=unique: unique)
    found: dict[str, list[tuple[Any, ...]]] = {}
    for key, begin, end, current, value in loads.raw(
        contract, "kunci", "valid_from::timestamp", "valid_to::timestamp", "is_current", "nilai"
    ):
        found.setdefault(key, []).append((begin, end, current, value))
    expected = {
        key: [
            (
                T0 + timedelta(minutes=minute),
                T0 + timedelta(minutes=following[0]) if following else None,
                following is None,
                value,
            )
            for (minute, value), following in zip(versions, [*versions[1:], None], strict=True)
        ]
        for key, versions in model.items()
    }
    assert found == expected


def test_only_a_version_that_comes_twice_goes_to_quarantine(loads: Loads) -> None:
    contract = keyed(loads, write_disposition="merge", merge_strategy="scd2", cursor="diubah")
    loads.forget(contract)
    rows: list[Row] = [
        ["a", "2", "2024-05-02"],
        ["a", "1", "2024-05-01"],
        ["a", "3", "2024-05-03"],
        ["a", "9", "2024-05-02"],
    ]
    batch = loads.load(contract, lambda *_: rows)
    assert (batch.loaded, batch.quarantined) == (3, 1)
    assert loads.run(
        "select valid_from::date::text, valid_to::date::text, is_current from raw.uji__data order by 1"
    ) == [
        ("2024-05-01", "2024-05-02", False),
        ("2024-05-02", "2024-05-03", False),
        ("2024-05-03", None, True),
    ]
    again = loads.load(contract, lambda *_: rows[:3])
    assert (again.state, again.loaded) == ("unchanged", 0)


def test_a_version_begins_and_ends_by_the_clock_of_the_source(loads: Loads) -> None:
    contract = keyed(loads, write_disposition="merge", merge_strategy="scd2", cursor="diubah")
    loads.forget(contract)
    source = Source({"a": (1, 0), "b": (1, 0)})
    loads.load(contract, source.read)
    source.apply(("a", 2, 5))
    batch = loads.load(contract, source.read)
    assert (batch.loaded, batch.deleted) == (1, 0)
    rows = loads.raw(
        contract, "kunci", "nilai", "valid_from::timestamp::text", "valid_to::timestamp::text", "is_current"
    )
    assert rows == [
        ("a", 1, "2024-05-01 00:00:00", "2024-05-01 00:05:00", False),
        ("a", 2, "2024-05-01 00:05:00", None, True),
        ("b", 1, "2024-05-01 00:00:00", None, True),
    ]


def test_a_key_that_goes_and_comes_back_has_two_versions_with_a_gap(loads: Loads) -> None:
    contract = loads.contract(
        column("kunci", primaryKey=True),
        column("nilai", "integer"),
        write_disposition="merge",
        merge_strategy="scd2",
    )
    loads.forget(contract)
    both: list[Row] = [["a", "1"], ["b", "1"]]
    for rows in (both, both[1:], both[1:], both):
        batch = loads.load(contract, lambda *_, rows=rows: rows)
    assert batch.loaded == 1
    found = loads.raw(contract, "kunci", "valid_from", "valid_to", "is_current")
    assert [(r[0], r[3]) for r in found] == [("a", False), ("a", True), ("b", True)]
    assert found[0][2] < found[1][1]
    assert loads.load(contract, lambda *_: both).state == "unchanged"


def test_a_row_in_quarantine_is_not_taken_for_a_deleted_one(loads: Loads) -> None:
    contract = loads.contract(
        column("kunci", primaryKey=True),
        column("nilai", "integer"),
        write_disposition="merge",
        reconcile="P1D",
    )
    loads.forget(contract)
    loads.load(contract, lambda *_: [["a", "1"], ["b", "1"], ["c", "1"]])
    batch = loads.load(contract, lambda *_: [["a", "satu"], ["b", "1"]])
    assert (batch.deleted, batch.quarantined) == (1, 1)
    assert loads.raw(contract, "kunci", "deleted_at is null") == [("a", True), ("b", True), ("c", False)]
    batch = loads.load(contract, lambda *_: [["b", "1"], ["c", "1"]])
    assert (batch.deleted, batch.loaded) == (1, 1)
    assert loads.raw(contract, "kunci", "deleted_at is null") == [("a", False), ("b", True), ("c", True)]
    assert loads.run("select state from quarantine.row") == [("resolved",)]


def test_a_reconciliation_that_fails_leaves_what_was_loaded_and_is_due_again(loads: Loads) -> None:
    contract = keyed(loads, write_disposition="merge", cursor="diubah", reconcile="PT0S")
    loads.forget(contract)
    source = Source({"a": (1, 0), "b": (1, 1)})
    loads.load(contract, source.read)
    source.apply(("c", 1, 5))
    source.apply(("a", None, 0))

    def without_keys(of: Contract, since: str | None) -> list[Row]:
        if len(of.stored) < len(NAMES):
            raise SourceError("uji/data", "no right to read the keys")
        return source.read(of, since)

    batch = loads.load(contract, without_keys)
    assert (batch.state, batch.loaded, batch.error) == (
        "loaded",
        1,
        "reconciliation: no right to read the keys",
    )
    assert loads.raw(contract, "kunci", "deleted_at is null") == [("a", True), ("b", True), ("c", True)]
    batch = loads.load(
        contract, lambda of, since: [] if len(of.stored) < len(NAMES) else source.read(of, since)
    )
    assert batch.error == "reconciliation: the source gave no key at all, where rows are published"
    assert loads.load(contract, source.read).deleted == 1
    assert loads.raw(contract, "kunci", "deleted_at is null") == [("a", False), ("b", True), ("c", True)]
    assert (
        loads.run(
            "select relname from pg_class where relnamespace = 'landing'::regnamespace and relkind = 'r'"
        )
        == []
    )


def test_an_older_version_that_an_api_brings_late_changes_nothing(loads: Loads) -> None:
    for strategy in ("upsert", "scd2"):
        contract = keyed(
            loads,
            server=API,
            extract={"path": "/x"},
            write_disposition="merge",
            merge_strategy=strategy,
            cursor="diubah",
        )
        loads.forget(contract)
        loads.load(contract, lambda *_: [["a", "2", "2024-05-02"]])
        late = loads.load(contract, lambda *_: [["a", "1", "2024-05-01"]])
        assert (late.state, late.unchanged) == ("unchanged", 1)
        assert loads.raw(contract, "kunci", "nilai") == [("a", 2)]


@FEW
@given(history=histories)
def test_rows_that_an_api_brings_late_never_displace_a_later_one(
    loads: Loads, history: list[list[tuple[str, int | None, int]]]
) -> None:
    """Each night gives some rows in any order, older ones among them; of a key the latest by its clock stands."""
    contract = keyed(loads, server=API, extract={"path": "/x"}, write_disposition="merge", cursor="diubah")
    loads.forget(contract)
    expected: dict[str, tuple[int, int]] = {}
    for night in history:
        given_rows = {k: (v, m) for k, v, m in night if v is not None}  # one row a key, as it came last
        for key, (value, minute) in given_rows.items():
            if key not in expected or minute >= expected[key][1]:
                expected[key] = (value, minute)
        rows = [[k, str(v), (T0 + timedelta(minutes=m)).isoformat()] for k, (v, m) in given_rows.items()]
        loads.load(contract, lambda *_, rows=rows: rows)
    found = {r[0]: (r[1], r[2]) for r in loads.raw(contract, "kunci", "nilai", "diubah")}
    assert found == {k: (v, T0 + timedelta(minutes=m)) for k, (v, m) in expected.items()}


log_rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), max_size=6)


@FEW
@given(nights=st.lists(log_rows, min_size=1, max_size=4), with_cursor=st.booleans())
def test_an_append_has_every_row_of_a_growing_log_as_often_as_it_came(
    loads: Loads, nights: list[list[tuple[int, int]]], with_cursor: bool
) -> None:
    """The log's clock stands still at times: rows with the boundary's time come before and after a load."""
    more = {"cursor": "waktu"} if with_cursor else {}
    contract = loads.contract(
        column("isi", "integer"),
        column("waktu", "timestamp", required=True),
        write_disposition="append",
        **more,
    )
    loads.forget(contract)
    log: list[tuple[int, datetime]] = []
    clock = 0

    def read(_: Contract, since: str | None) -> list[Row]:
        return [
            [str(content), at.isoformat()]
            for content, at in log
            if since is None or at >= datetime.fromisoformat(since)
        ]

    for night in nights:
        for content, step in night:
            clock += step // 3  # most rows share their minute with the one before
            log.append((content, T0 + timedelta(minutes=clock)))
        loads.load(contract, read)
        assert Counter(loads.raw(contract, "isi", "waktu")) == Counter(log)
    again = loads.load(contract, read)
    assert (again.state, again.loaded) == ("unchanged", 0)


def test_an_append_never_changes_a_row_and_warns_of_the_try(loads: Loads) -> None:
    contract = loads.contract(
        column("kunci", primaryKey=True), column("nilai", "integer"), write_disposition="append"
    )
    loads.forget(contract)
    loads.load(contract, lambda *_: [["a", "1"]])
    batch = loads.load(contract, lambda *_: [["a", "2"], ["b", "1"]])
    assert batch.loaded == 1 and "1 rows came again with other values" in batch.warnings[0]
    assert loads.raw(contract, "kunci", "nilai") == [("a", 1), ("b", 1)]


file_contents = st.lists(st.integers(0, 2), min_size=1, max_size=3)


@FEW
@given(
    deliveries=st.lists(
        st.tuples(st.sampled_from(["jan.csv", "feb.csv", "salinan.csv"]), file_contents), max_size=6
    )
)
def test_appended_files_each_stand_once_in_their_latest_content(
    loads: Loads, deliveries: list[tuple[str, list[int]]]
) -> None:
    contract = loads.contract(
        column("nilai", "integer"),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
        write_disposition="append",
    )
    loads.forget(contract)
    model: dict[str, list[int]] = {}
    for name, content in deliveries:
        batch = loads.load(contract, lambda *_, content=content: [[str(v)] for v in content], file=name)
        if content in model.values():  # the same bytes load once, whatever they are called
            assert batch.state == "unchanged"
        else:
            model[name] = content
        found = Counter(v for (v,) in loads.run("select nilai from raw.uji__data"))
        assert found == Counter(v for values in model.values() for v in values)


def test_a_key_that_two_appended_files_claim_stops_the_second(loads: Loads) -> None:
    contract = loads.contract(
        column("kunci", primaryKey=True),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
        write_disposition="append",
    )
    loads.forget(contract)
    loads.load(contract, lambda *_: [["a"]], file="jan.csv")
    with pytest.raises(LoadError, match=r"rows of feb\.csv have a key"):
        loads.load(contract, lambda *_: [["a"], ["b"]], file="feb.csv")
    assert loads.run("select kunci from raw.uji__data") == [("a",)]


days = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=5)


@FEW
@given(nights=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), days), min_size=1, max_size=4))
def test_a_window_is_the_sources_days_and_the_others_stay(
    loads: Loads, nights: list[tuple[int, int, list[tuple[int, int]]]]
) -> None:
    start = date(2024, 5, 1)
    contract = loads.contract(
        column("hari", "date"),
        column("nilai", "integer"),
        partition={"column": "hari", "every": "daily", "start": "2024-05-01"},
    )
    loads.forget(contract)
    expected: Counter[tuple[int, int]] = Counter()
    for first, last, rows in nights:
        low, high = min(first, last), max(first, last)
        inside = [r for r in rows if low <= r[0] <= high]
        window = Window(start + timedelta(days=low), start + timedelta(days=high))
        published = any(low <= day <= high for day, _ in expected)

        def read(*_: Any, inside: Sequence[tuple[int, int]] = inside) -> list[Row]:
            return [[(start + timedelta(days=day)).isoformat(), str(value)] for day, value in inside]

        if published and not inside:
            with pytest.raises(LoadError, match="gave no row"):
                loads.load(contract, read, window=window)
            continue
        loads.load(contract, read, window=window)
        kept = {r: n for r, n in expected.items() if not low <= r[0] <= high}
        expected = Counter(kept) + Counter(inside)
        found = Counter(((r[0] - start).days, r[1]) for r in loads.raw(contract, "hari", "nilai"))
        assert found == expected


@FEW
@given(history=histories, reconcile=st.booleans())
def test_a_key_that_changes_its_case_at_a_source_that_does_not_mind_ends_as_one_row(
    loads: Loads, history: list[list[tuple[str, int | None, int]]], reconcile: bool
) -> None:
    """A MariaDB table: "a" and "A" are one key there. The contract says so by a repair of the key."""
    more = {"reconcile": "PT0S"} if reconcile else {}
    contract = loads.contract(
        column("kunci", primaryKey=True, parse="huruf_besar"),
        column("nilai", "integer"),
        column("diubah", "timestamp", required=True),
        write_disposition="merge",
        cursor="diubah",
        **more,
    )
    loads.forget(contract)
    source, clock = Source({"tetap": (0, 0)}), 0
    for night in history:
        for key, value, _ in night:
            clock += 1
            for same in [k for k in source.rows if k.upper() == key.upper()]:
                del source.rows[same]
            source.apply((key, value, clock))
        loads.load(contract, source.read)
    alive_only = " where deleted_at is null" if reconcile else ""
    found = loads.run(f"select kunci, nilai from raw.uji__data{alive_only}")  # noqa: S608
    assert len({k for k, _ in found}) == len(found)
    alive = {k.upper(): v for k, (v, _) in source.rows.items()}
    assert dict(found) == alive if reconcile else alive.items() <= dict(found).items()
    again_changes_nothing(loads, contract, source)


moves = st.lists(st.tuples(st.sampled_from(KEYS), st.one_of(st.none(), st.integers(0, 4))), max_size=4)


@FEW
@given(nights=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), moves), min_size=1, max_size=5))
def test_a_row_stands_once_whatever_windows_it_moves_between(
    loads: Loads, nights: list[tuple[int, int, list[tuple[str, int | None]]]]
) -> None:
    """A source of keys, each on one day; rows move between days, go and come, and some days are read each night."""
    start = date(2024, 5, 1)
    contract = loads.contract(
        column("kunci", primaryKey=True),
        column("hari", "date"),
        partition={"column": "hari", "every": "daily", "start": "2024-05-01"},
    )
    loads.forget(contract)
    source: dict[str, int] = {}
    expected: dict[str, int] = {}
    for first, last, changed in nights:
        for key, day in changed:
            source.pop(key, None)
            if day is not None:
                source[key] = day
        low, high = min(first, last), max(first, last)
        inside = {k: day for k, day in source.items() if low <= day <= high}
        window = Window(start + timedelta(days=low), start + timedelta(days=high))
        before = dict(expected)
        expected = {k: day for k, day in expected.items() if not low <= day <= high} | inside

        def read(*_: Any, inside: dict[str, int] = inside) -> list[Row]:
            return [[key, (start + timedelta(days=day)).isoformat()] for key, day in inside.items()]

        batch = loads.load(contract, read, window=window, allow_empty=True)
        assert dict(loads.raw(contract, "kunci", "hari")) == {
            k: start + timedelta(days=day) for k, day in expected.items()
        }
        assert batch.loaded == sum(before.get(k) != day for k, day in inside.items())
        assert batch.deleted == len(set(before) - set(expected))
        moved = sum(k in before and not low <= before[k] <= high for k in inside)
        assert [w for w in batch.warnings if "outside of" in w] == [
            f"{moved} rows were published outside of {window.start} to {window.end} and are in it now: the source has"
            " changed their date, and each stands once"
        ] * bool(moved)


def test_a_window_that_comes_empty_is_told_of_each_night_until_it_is_settled(loads: Loads) -> None:
    contract = loads.contract(
        column("kunci", primaryKey=True),
        column("hari", "date"),
        partition={"column": "hari", "every": "daily", "start": "2024-05-01"},
    )
    loads.forget(contract)

    def day(number: int) -> Window:
        return Window(date(2024, 5, number), date(2024, 5, number))

    loads.load(contract, lambda *_: [["a", "2024-05-01"]], window=day(1))
    loads.load(contract, lambda *_: [["b", "2024-05-02"]], window=day(2))
    for _ in range(2):
        with pytest.raises(LoadError, match=r"gave no row for 2024-05-01 .*gudang/empty_window: true"):
            loads.load(contract, lambda *_: [], window=day(1))
    for number in (3, 4):  # the day is out of the range of the nights that follow
        night = loads.load(contract, lambda *_, n=number: [[f"k{n}", f"2024-05-0{n}"]], window=day(number))
        assert [w for w in night.warnings if "had no row of 2024-05-01 when last asked" in w]
    agreed = loads.load(contract, lambda *_: [], window=day(1), allow_empty=True)
    assert (agreed.state, agreed.deleted, agreed.warnings) == ("loaded", 1, [])
    with pytest.raises(LoadError, match="gave no row"):
        loads.load(contract, lambda *_: [], window=day(2))
    # The row has moved: nothing is left that the source could contradict.
    moved = loads.load(contract, lambda *_: [["b", "2024-05-05"]], window=day(5))
    assert not [w for w in moved.warnings if "when last asked" in w]
    assert loads.raw(contract, "kunci") == [("b",), ("k3",), ("k4",)]


def test_a_full_refresh_puts_all_in_the_place_of_all_and_mends_a_changed_shape(loads: Loads) -> None:
    contract = keyed(loads, write_disposition="merge", cursor="diubah")
    loads.forget(contract)
    source = Source({"a": (1, 0), "b": (1, 9)})
    loads.load(contract, source.read)
    source.apply(("a", 7, 0))
    source.apply(("b", None, 0))
    source.apply(("c", 1, 3))
    assert loads.load(contract, source.read).read == 0
    batch = loads.load(contract, source.read, whole=True)
    assert (batch.loaded, batch.deleted) == (2, 1)
    assert loads.raw(contract, "kunci", "nilai") == [("a", 7), ("c", 1)]
    wider = loads.contract(
        column("kunci", primaryKey=True),
        column("nilai", "bigint"),
        column("diubah", "timestamp", required=True),
        write_disposition="merge",
        cursor="diubah",
    )
    with pytest.raises(LoadError, match="no longer those of raw"):
        loads.load(wider, source.read)
    assert loads.load(wider, source.read, whole=True).loaded == 2
    assert loads.run("select pg_typeof(nilai)::text from raw.uji__data limit 1") == [("bigint",)]


def test_a_full_refresh_brings_back_a_row_that_was_marked_as_deleted(loads: Loads) -> None:
    contract = keyed(loads, write_disposition="merge", cursor="diubah", reconcile="PT0S")
    loads.forget(contract)
    source = Source({"a": (1, 0), "b": (1, 9)})
    loads.load(contract, source.read)
    source.apply(("a", None, 0))
    loads.load(contract, source.read)
    assert loads.raw(contract, "kunci", "deleted_at is null") == [("a", False), ("b", True)]
    source.apply(("a", 1, 0))
    assert loads.load(contract, source.read, whole=True).loaded == 1
    assert loads.raw(contract, "kunci", "deleted_at is null") == [("a", True), ("b", True)]


def test_a_swap_keeps_indexes_that_others_made(loads: Loads) -> None:
    contract = keyed(loads)
    loads.forget(contract)
    source = Source({"a": (1, 0)})
    loads.load(contract, source.read)
    loads.run("create index nilai_pertama on raw.uji__data (nilai) where nilai > 0")
    loads.run(
        'create unique index "Kunci Kecil" on raw.uji__data (lower(kunci) text_pattern_ops) include (nilai)'
    )
    before = loads.run(
        "select indexdef from pg_indexes where schemaname = 'raw' and indexname !~ 'pkey' order by 1"
    )
    for value in (2, 3):
        source.apply(("a", value, 0))
        assert loads.load(contract, source.read).loaded == 1
    found = loads.run(
        "select indexdef from pg_indexes where schemaname = 'raw' and indexname !~ 'pkey' order by 1"
    )
    assert found == before and len(found) == 2
