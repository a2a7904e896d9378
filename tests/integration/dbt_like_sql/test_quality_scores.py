"""The scores of the data's quality (mart_satu_data.kualitas_data), from ledger rows made by hand."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import sql

from tests.support.model_warehouse import ModelWarehouse

d = Decimal
NOW = datetime.now(UTC).astimezone(ZoneInfo("Asia/Makassar"))


def month(back: int) -> tuple[int, int]:
    """Year and month, so many months before this one."""
    count = NOW.year * 12 + NOW.month - 1 - back
    return count // 12, count % 12 + 1


def at(back: int, day: int) -> str:
    """Noon of a day in WITA, so many months before this one. Day 0: the first moment of the month."""
    year, number = month(back)
    return f"{year}-{number:02}-{max(day, 1):02} {'12' if day else '00'}:00+08"


def contract(warehouse: ModelWarehouse, dataset: str, days: int | None) -> None:
    warehouse.run(
        "insert into ops.contract (dataset, title, producer, domain, source_kind, frequency_days, latency_hours,"
        " classification, publish, column_count) values (%s, %s, 'Dinas Uji', 'uji', 'database', %s, 24, 'terbuka', true, 5)",
        dataset, dataset, days,
    )  # fmt: skip


def load(warehouse: ModelWarehouse, dataset: str, when: str, **values: object) -> int:
    """A load that ended at `when`. By default it read and loaded 100 rows of a table."""
    row = {"dataset": dataset, "state": "loaded", "rows_read": 100, "rows_in_raw": 100} | values
    row |= {"started_at": when, "finished_at": when}
    insert = sql.SQL("insert into ops.load_batch ({}) values ({}) returning batch_id").format(
        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Placeholder, row))
    )
    ((batch,),) = warehouse.connection.execute(insert, row).fetchall()
    return int(batch)


def refuse(warehouse: ModelWarehouse, batch: int, dataset: str, rules: str, rows: int, **times: str) -> None:
    """Puts rows into quarantine that each break all of `rules`. times: created, and resolved if they are."""
    warehouse.run(
        "insert into quarantine.row (dataset, first_batch_id, last_batch_id, row, reasons, row_hash, state, created_at,"
        " updated_at) select %s, %s, %s, '{}', (select jsonb_agg(jsonb_build_object('kolom', 'x', 'aturan', a))"
        " from unnest(string_to_array(%s, ' ')) as a), gen_random_uuid()::text, %s, %s, %s"
        " from generate_series(1, %s)",
        dataset, batch, batch, rules, "resolved" if "resolved" in times else "open", times["created"],
        times.get("resolved", times["created"]), rows,
    )  # fmt: skip


def scores(warehouse: ModelWarehouse, dataset: str, back: int, *columns: str) -> dict[str, tuple[Any, ...]]:
    """By dimension these columns of the mart."""
    query = sql.SQL(
        "select dimensi, {} from mart_satu_data.kualitas_data where dataset = %s and (tahun, bulan) = (%s, %s)"
    ).format(sql.SQL(", ").join(map(sql.Identifier, columns)))
    rows = warehouse.connection.execute(query, [dataset, *month(back)]).fetchall()
    return {name: tuple(rest) for name, *rest in rows}


def test_scores_by_hand(warehouse: ModelWarehouse) -> None:
    """A dataset that promises new data every 9 days, with a day of grace, and is loaded at the begin of a month.

    Three months ago: 90 rows are in force, 10 are held: 6 without a required cell, 4 with a wrong class, of which 2
    are below a minimum, too. Repairs changed 100 of 500 cells. The worst check of validity finds 5 of 100.

    - akurasi: 90 / (90 + 2) = 97.826; `kira_kira` changed 50 cells: x (1 - 0.5 x 0.1) = 92.93 -> 92.9
    - kelengkapan: 90 / 100 -> 90.0
    - konsistensi: `teks` changed 50 cells: 1 - 0.5 x 0.1 -> 95.0
    - aktualitas: fresh for 10 days
    - validitas: 90 / 94 x 0.95 = 90.957 -> 90.9
    - keunikan: 100.0
    """
    contract(warehouse, "uji/a", 9)
    batch = load(warehouse, "uji/a", at(3, 0), rows_in_raw=90)
    refuse(warehouse, batch, "uji/a", "wajib", 6, created=at(3, 0), resolved=at(2, 11))
    refuse(warehouse, batch, "uji/a", "klasifikasi", 2, created=at(3, 0))
    refuse(warehouse, batch, "uji/a", "klasifikasi minimum", 2, created=at(3, 0))
    warehouse.run(
        "insert into ops.load_repair (batch_id, column_name, repair, rows) values"
        " (%s, 'x', 'kira_kira', 50), (%s, 'x', 'teks', 50)",
        batch, batch,
    )  # fmt: skip
    warehouse.run(
        "insert into ops.check_result (asset, check_name, severity, passed, unexpected, total, code, at) values"
        " ('raw/uji/a', 'v1', 'warn', false, 5, 100, 'GDK-T003', '2020-01-01'),"
        " ('raw/uji/a', 'v2', 'error', true, 0, 100, 'GDK-T005', '2020-01-01'),"
        " ('raw/uji/a', 'segar', 'warn', false, null, null, 'GDK-T018', %(at)s)".replace(
            "%(at)s", f"'{at(3, 1)}'"
        )
    )
    warehouse.built("kualitas_data")

    days = monthrange(*month(3))[1]
    fresh = (d(1000) / days).quantize(d("0.1"), "ROUND_DOWN")
    # What the upload page shows: the latest month.
    of_page = warehouse.run(
        "select dimension, score, change, open_findings, days_to_fix from ops.scores_of_dataset('uji/a')"
    )
    told = ("skor", "perubahan", "temuan_terbuka", "hari_perbaikan")
    assert {name: tuple(rest) for name, *rest in of_page} == scores(warehouse, "uji/a", 0, *told)
    found = scores(warehouse, "uji/a", 3, "skor")
    assert {name: score for name, (score,) in found.items()} == {
        "akurasi": d("92.9"),
        "kelengkapan": d("90.0"),
        "konsistensi": d("95.0"),
        "aktualitas": fresh,
        "validitas": d("90.9"),
        "keunikan": d("100.0"),
        "gabungan": (
            (20 * d("92.9") + 25 * d("90.0") + 15 * d("95.0") + 20 * fresh + 10 * d("90.9") + 10 * 100) / 100
        ).quantize(d("0.1"), "ROUND_DOWN"),
    }
    more = scores(
        warehouse,
        "uji/a",
        3,
        "perubahan",
        "temuan_terbuka",
        "hari_perbaikan",
        "sel_diperbaiki",
        "hari_terlambat",
    )
    late = d(days - 10).quantize(d("0.1"))
    assert more == {
        "akurasi": (None, 2, None, 50, None),
        "kelengkapan": (None, 6, None, 0, None),
        "konsistensi": (None, 0, None, 50, None),
        "aktualitas": (None, 1, None, 0, late),
        "validitas": (None, 5, None, 0, None),
        "keunikan": (None, 0, None, 0, None),
        "gabungan": (None, 12, None, 100, late),
    }

    # The month after has no load. Six rows were corrected on its 11th, noon, 10.5 days and a month after they came.
    # 90 rows are in force, 4 are held: 90 / 94 = 95.7. What was repaired is still in force. No day was fresh.
    found = scores(
        warehouse, "uji/a", 2, "skor", "perubahan", "temuan_terbuka", "hari_perbaikan", "sel_diperbaiki"
    )
    waited = d(days) + d("10.5")
    assert found["kelengkapan"] == (d("95.7"), d("5.7"), 0, waited, 0)
    assert found["akurasi"] == (d("92.9"), d("0.0"), 2, None, 0)
    assert found["aktualitas"] == (d("0.0"), -fresh, 1, None, 0)
    assert found["gabungan"][2:] == (6, waited, 0)

    # Nothing is said of the time before the first load.
    assert scores(warehouse, "uji/a", 4, "skor") == {}


def test_failures_that_still_count_and_no_check_that_is_gone(warehouse: ModelWarehouse) -> None:
    """Two months ago the days 2 to 3 failed for 40 of 100 rows, and 20 of 100 rows when they were read again.

    Other days passed later. Last month these days passed, too. A check that is gone counts in no month, and a check
    that failed for two windows is one finding.
    """
    contract(warehouse, "uji/a", None)
    load(warehouse, "uji/a", at(2, 1))
    for name, passed, deviating, when, day in (
        ("beda", False, 40, at(2, 4), 2),
        ("beda", False, 20, at(2, 5), 2),
        ("beda", False, 10, at(2, 6), 7),
        ("beda", True, 0, at(2, 7), 9),
        ("beda", True, 0, at(1, 5), 2),
        ("salah", False, 100, at(2, 4), 2),
    ):
        warehouse.run(
            "insert into ops.check_result (asset, check_name, severity, passed, unexpected, total, code, at, window_start,"
            " window_end) select 'raw/uji/a', %s, 'warn', %s, %s, 100, 'GDK-T010', %s, date '2026-01-01' + %s, date"
            " '2026-01-02' + %s",
            name, passed, deviating, when, day, day,
        )  # fmt: skip
    warehouse.run(
        "insert into ops.declared_check (asset, check_name, gone_at) values ('raw/uji/a', 'salah', now())"
    )
    warehouse.built("kualitas_data", "bukti_indikator")
    found = [scores(warehouse, "uji/a", back, "skor", "temuan_terbuka")["konsistensi"] for back in (2, 1)]
    assert found == [(d("80.0"), 1), (d("90.0"), 1)]
    ((asked,),) = warehouse.run(
        "select count(*) from ops.check_in_force where asset = 'raw/uji/a' and not passed"
    )
    assert asked == 1


def test_dataset_whose_rows_are_all_held_scores_nothing(warehouse: ModelWarehouse) -> None:
    """All checks passed, on no row at all. What no row says anything about has no score, and isn't counted.

    Weights: kelengkapan 25 and validitas 10 are 0; there is no promise of time.
    """
    contract(warehouse, "uji/b", None)
    batch = load(warehouse, "uji/b", at(1, 0), rows_in_raw=None, state="rejected", code="GDK-M011")
    refuse(warehouse, batch, "uji/b", "tipe", 80, created=at(1, 0))
    warehouse.run(
        "insert into ops.check_result (asset, check_name, severity, passed, code, at) values"
        " ('raw/uji/b', 'v', 'error', true, 'GDK-T003', '2020-01-01')"
    )
    warehouse.built("kualitas_data")
    assert scores(warehouse, "uji/b", 1, "skor", "bobot", "temuan_terbuka") == {
        "akurasi": (None, 20, 0),
        "kelengkapan": (d("0.0"), 25, 0),
        "konsistensi": (None, 15, 0),
        "aktualitas": (None, 20, 1),
        "validitas": (d("0.0"), 10, 80),
        "keunikan": (None, 10, 0),
        "gabungan": (d("0.0"), 35, 81),
    }


def test_a_file_is_late_by_its_first_arrival_and_a_table_by_its_newest_period(
    warehouse: ModelWarehouse,
) -> None:
    """Both promise data every 4 days, with a day of grace, and are loaded at the begin of the month.

    The file has been in the zone for three days before: it is good for two more. Read again on the 10th, it is no
    newer. The table's newest period ended a day before: it is good for four more days, and again for five from the
    10th, noon, when a load brings the days until then.
    """
    for dataset in ("uji/berkas", "uji/tabel"):
        contract(warehouse, dataset, 4)
    year, number = month(2)
    first = datetime(year, number, 1, tzinfo=ZoneInfo("Asia/Makassar"))
    warehouse.run(
        "insert into ops.upload_seen (dataset, name, sha256, mtime, stamp, seen_at) values"
        " ('uji/berkas', 'a.csv', 'abc', 0, '', %s::timestamptz - interval '3 days')",
        first,
    )
    load(warehouse, "uji/berkas", at(2, 0), source_fingerprint="abc:1")
    load(warehouse, "uji/berkas", at(2, 10), source_fingerprint="abc:2")
    until = warehouse.run("select %s::timestamptz - interval '1 day'", first)[0][0]
    load(warehouse, "uji/tabel", at(2, 0), data_until=until)
    load(warehouse, "uji/tabel", at(2, 10), data_until=at(2, 10))
    warehouse.built("kualitas_data")
    days = monthrange(year, number)[1]
    late = {
        name: scores(warehouse, name, 2, "hari_terlambat")["aktualitas"]
        for name in ("uji/berkas", "uji/tabel")
    }
    assert late == {"uji/berkas": (d(days - 2),), "uji/tabel": (d(days - 9),)}


def test_the_agreed_schedule_is_the_promise_and_without_one_nothing_is_late(
    warehouse: ModelWarehouse,
) -> None:
    """All three contracts promise data every day. Of `sendiri` nothing else was agreed: 2 days of the month are fresh."""
    warehouse.run("""
        insert into raw.bappeda__daftar_data
            (kode_daftar, judul, kode_opd, produsen_data, jenis_data, jadwal, prioritas, dataset)
        values
            ('1', 'A', 'diskominfo', 'Dinas Uji', 'statistik', 'tahunan', true, 'uji/tahunan'),
            ('2', 'B', 'diskominfo', 'Dinas Uji', 'statistik', 'insidental', true, 'uji/insidental')
    """)
    for dataset in ("uji/tahunan", "uji/insidental", "uji/sendiri"):
        contract(warehouse, dataset, 1)
        load(warehouse, dataset, at(1, 0))
    warehouse.built("kualitas_data")
    alone = (d(200) / monthrange(*month(1))[1]).quantize(d("0.1"), "ROUND_DOWN")
    assert [
        scores(warehouse, dataset, 1, "skor")["aktualitas"]
        for dataset in ("uji/tahunan", "uji/insidental", "uji/sendiri")
    ] == [(d("100.0"),), (None,), (alone,)]


def test_evidence_has_the_days_from_a_period_to_its_release(warehouse: ModelWarehouse) -> None:
    """The newest period of each dataset counts: 2.5, 3.5 and 9.5 days, the median is 3.5.

    Of `uji/b` an older period took longer. A period that was not published yet is left out, and so is a load that
    came after the last publication. The scores of all datasets of this month are evidence, too.
    """
    for dataset, until, loaded in (
        ("uji/a", at(1, 9), at(1, 11)),
        ("uji/b", at(2, 1), at(1, 11)),
        ("uji/b", at(1, 8), at(1, 11)),
        ("uji/c", at(1, 2), at(1, 11)),
        ("uji/d", at(1, 10), at(1, 20)),
    ):
        if not warehouse.run("select 1 from ops.contract where dataset = %s", dataset):
            contract(warehouse, dataset, None)
        load(warehouse, dataset, loaded, data_until=until)
    warehouse.run(
        "insert into ops.publication_log (mart, path, sha256, at, event) values"
        " ('m', '/p/csv/m.csv', 'a', %s, 'terbit'), ('m', '/p/csv/m.csv', 'b', %s::timestamptz + interval '12 hours',"
        " 'terbit'), ('n', '/p/csv/n.csv', 'c', %s, 'ditarik'), ('laporan', '/p/laporan.html', 'd', %s, 'terbit')",
        at(1, 10), at(1, 11), at(1, 21), at(1, 21),
    )  # fmt: skip
    warehouse.built("bukti_indikator")
    query = (
        "select angka, satuan from mart_spbe.bukti_indikator where instrumen = 'epss' and jenis_bukti = %s"
    )
    assert warehouse.run(query, "jeda_terbitan") == [(d("3.5"), "hari")]
    ((says,),) = warehouse.run(
        "select membuktikan from mart_spbe.bukti_indikator where jenis_bukti = 'jeda_terbitan'"
    )
    assert "mart mana pun" in says
    assert warehouse.run(query, "skor_mutu") == [(d("100.0"), "dari 100")]
