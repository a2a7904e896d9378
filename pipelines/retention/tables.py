"""Deletes old rows of the ledger and of the quarantine.

What belongs here: which rows may go, deleting them in batches. Not here: rows of raw (raw.py).

The newest row about a thing always stays, however old it is: status, reports and models read it. So do all loads that
brought rows, because raw names them; and every publication, because it is evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from pipelines.retention.policy import Policy
from pipelines.warehouse.relation import trusted_sql

BATCH_ROWS = 10_000
"""Rows that are deleted in one transaction."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which rows of a table may go. table: schema and name. what: for people, in Indonesian.

    where: a condition on the table's alias `t`, with `%(before)s` as the moment before which rows are old. days: gives
    the days that the policy keeps them. also: a condition that several rules share. order: which rows go first;
    "" if it does not matter.
    """

    table: tuple[str, str]
    what: str
    where: str
    days: Callable[[Policy], int]
    also: str = "true"
    order: str = ""

    @property
    def condition(self) -> sql.Composed:
        """The table under its alias, and the condition."""
        return sql.SQL("{} as t where {} and {}").format(
            sql.Identifier(*self.table), trusted_sql(self.where), trusted_sql(self.also)
        )


WAREHOUSE_RULES = (
    Rule(
        ("ops", "check_result"),
        "hasil pemeriksaan yang tidak berlaku lagi",
        # A failure of earlier days may still count, though other days were checked since.
        "t.at < %(before)s and ("
        "exists (select from ops.declared_check as d where d.asset = t.asset and d.check_name = t.check_name"
        " and d.gone_at < %(before)s)"
        " or exists (select from ops.check_result as n"
        " where n.asset = t.asset and n.check_name = t.check_name and n.at > t.at)"
        " and (t.passed or not exists (select from ops.check_history as h where h.asset = t.asset"
        " and h.check_name = t.check_name and h.at = t.at and h.over_at is null)))",
        lambda policy: policy.checks,
        # A failure goes before the later result that ended it, without which it would count again.
        order="t.at",
    ),
    Rule(
        ("ops", "model_run"),
        "pembangunan model yang sudah diikuti yang baru",
        "t.at < %(before)s and exists (select from ops.model_run as n"
        " where n.model = t.model and n.state = t.state and n.at > t.at)",
        lambda policy: policy.checks,
    ),
    Rule(
        ("ops", "load_batch"),
        "pemuatan yang tidak mengubah apa pun",
        "t.finished_at < %(before)s and t.state in ('unchanged', 'rejected', 'failed', 'died', 'superseded')"
        " and t.source_fingerprint is null and t.rows_in_raw is null"
        # Days of a window that were read without a row would be asked for again.
        " and t.window_start is null and not t.full_refresh"
        " and not exists (select from quarantine.row as q where q.first_batch_id = t.batch_id)"
        " and not exists (select from quarantine.row as q where q.last_batch_id = t.batch_id)"
        " and exists (select from ops.load_batch as n where n.dataset = t.dataset and n.batch_id > t.batch_id"
        " and n.state in ('loaded', 'unchanged'))",
        lambda policy: policy.loads,
    ),
    Rule(
        ("ops", "reconciliation"),
        "rekonsiliasi yang sudah diikuti yang baru",
        "t.reconciled_at < %(before)s and exists (select from ops.reconciliation as n"
        " where n.dataset = t.dataset and n.reconciled_at > t.reconciled_at)",
        lambda policy: policy.loads,
    ),
    Rule(
        ("ops", "upload_by"),
        "nama pengirim berkas yang sudah diikuti kiriman baru",
        "t.at < %(before)s and exists (select from ops.upload_by as n"
        " where n.dataset = t.dataset and n.at > t.at)",
        lambda policy: policy.uploads,
    ),
    Rule(
        ("ops", "upload_preview"),
        "pratinjau berkas",
        "t.done_at < %(before)s",
        lambda policy: policy.uploads,
    ),
    Rule(
        ("quarantine", "row"),
        "baris karantina yang sudah selesai",
        "t.state = 'resolved' and t.updated_at < %(before)s",
        lambda policy: policy.quarantine,
    ),
)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one rule deleted, or would delete.

    place: a table, a folder or a dataset. what: in Indonesian. count: rows or files. size_before, size_after: bytes of
    the table with its indexes, or of the files; None where they are not known. note: why nothing may go, "" otherwise.
    failed: whether the note is about a failure.
    """

    place: str
    what: str
    count: int
    size_before: int | None = None
    size_after: int | None = None
    note: str = ""
    failed: bool = False


def prune_tables(
    connection: Connection[Any], rules: tuple[Rule, ...], policy: Policy, *, dry_run: bool
) -> list[Pruned]:
    """Applies the rules to the tables that are there, and gives a result for each.

    connection: in autocommit. dry_run: rows are counted, and none is deleted. A killed process has deleted some batches
    of rows; the next call deletes the rest.
    """
    done: list[Pruned] = []
    for rule in rules:
        name = ".".join(rule.table)
        size = _size(connection, name)
        if size is None:
            continue
        before = connection.execute(
            "select clock_timestamp() - make_interval(days => %s)", [rule.days(policy)]
        ).fetchone()
        values = {"before": before[0] if before else None, "rows": BATCH_ROWS}
        if dry_run:
            row = connection.execute(sql.SQL("select count(*) from ") + rule.condition, values).fetchone()
            done.append(Pruned(name, rule.what, row[0] if row else 0, size, size))
            continue
        count = _delete(connection, rule, values)
        if count:
            # Without it the space of the deleted rows would not be used again before the next automatic vacuum.
            connection.execute(sql.SQL("vacuum (analyze) {}").format(sql.Identifier(*rule.table)))
        done.append(Pruned(name, rule.what, count, size, _size(connection, name)))
    return done


def _delete(connection: Connection[Any], rule: Rule, values: dict[str, Any]) -> int:
    statement = delete_batch(rule)
    count = 0
    while True:
        deleted = connection.execute(statement, values).rowcount
        count += deleted
        if deleted < BATCH_ROWS:
            return count


def delete_batch(rule: Rule) -> sql.Composed:
    """The statement that deletes up to `%(rows)s` of the rule's rows."""
    order = trusted_sql(f" order by {rule.order}" if rule.order else "")
    return sql.SQL("delete from {} where ctid = any (array(select t.ctid from {}{} limit %(rows)s))").format(
        sql.Identifier(*rule.table), rule.condition, order
    )


def _size(connection: Connection[Any], table: str) -> int | None:
    """Bytes of a table with its indexes; None if there is no such table."""
    row = connection.execute("select pg_total_relation_size(to_regclass(%s))", [table]).fetchone()
    return row[0] if row else None
