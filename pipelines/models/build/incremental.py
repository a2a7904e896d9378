"""The SQL that adds new rows to a model's existing table: dbt's incremental strategies, and changed columns.

What belongs here: statements over the existing table and `rows`, the table with the rows of the model's query, and
whether they would change anything. They are run by node_builder.py, in one transaction with the model's checks. Not
here: config (models/project/materialization.py).
Source: dbt-adapters, "incremental strategies" (append, delete+insert, merge) and "on_schema_change", so that dbt makes
the same rows from the same folder. Only deleting a window is our own rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from pipelines.contracts.windows import Window
from pipelines.errors import ModelError
from pipelines.models.project.materialization import Incremental
from pipelines.models.project.nodes import Node, Project
from pipelines.warehouse.relation import Relation, identifier, trusted_sql

Columns = Sequence[tuple[str, str]]
"""Name and type of each column, in order."""


def reshape(
    how: Incremental, place: str, table: Relation, old_columns: Columns, new_columns: Columns
) -> list[sql.Composed]:
    """The statements that fit the table to the new columns. Raises ModelError if on_schema_change is `fail`."""
    old, new = dict(old_columns), dict(new_columns)
    added = [name for name in new if name not in old]
    gone = [name for name in old if name not in new]
    retyped = [name for name in new if name in old and new[name] != old[name]]
    if how.on_schema_change == "fail" and (added or gone or retyped):
        changes = {"kolom baru": added, "kolom hilang": gone, "kolom berganti tipe": retyped}
        described = "; ".join(f"{change}: {', '.join(names)}" for change, names in changes.items() if names)
        hint = "muat ulang penuh (gudang models run --full-refresh), atau ubah on_schema_change"
        raise ModelError(place, described, hint=hint)
    actions: list[sql.Composable] = []
    if how.on_schema_change in ("append_new_columns", "sync_all_columns"):
        actions += [_action("add column {} {}", name, new[name]) for name in added]
    if how.on_schema_change == "sync_all_columns":
        actions += [_action("drop column {}", name) for name in gone]
        actions += [_action("alter column {} type {}", name, new[name]) for name in retyped]
    return [sql.SQL("alter table {} {}").format(identifier(table), action) for action in actions]


def _action(template: str, name: str, type_: str | None = None) -> sql.Composed:
    parts: list[sql.Composable] = [sql.Identifier(name)]
    if type_ is not None:
        parts.append(trusted_sql(type_))
    return trusted_sql(template).format(*parts)


@dataclass(frozen=True, slots=True)
class Part:
    """The rows that one transaction adds to an incremental table.

    how: its query. window: the days whose rows are replaced; None if only rows with the same key are. left_out: the
    condition on the rows of the query that other parts add; None for none.
    """

    how: Incremental
    window: Window | None
    left_out: sql.Composed | None = None


def parts(node: Node, project: Project, ranges: Sequence[Project]) -> list[Part]:
    """What is added to the node's table, in an order in which each part finds what it needs.

    ranges: the project with each range of days that is built by itself; () for all days of the project's window at
    once. A query may also give the days that came since the last build, whatever the range is. Of these, each range
    takes its own; those of no range are a part of their own, and the first one, because the others move the moment of
    the last build.
    """

    def how(of: Project) -> Incremental:
        found = of.nodes[node.name].incremental
        assert found is not None
        return found

    if node.partition is None or not ranges:
        return [Part(how(project), project.window)]
    column = sql.Identifier(node.partition.column)
    days = [(of, of.window, of.window.condition(column)) for of in ranges if of.window]
    of_any = sql.SQL("({})").format(
        sql.SQL(" or ").join(sql.SQL("({})").format(inside) for *_, inside in days)
    )
    own = [Part(how(of), window, sql.SQL("({}) is not true").format(inside)) for of, window, inside in days]
    return [Part(how(ranges[0]), None, of_any), *own]


def write_rows(
    how: Incremental, table: Relation, rows: sql.Identifier, columns: Sequence[str], window: Window | None
) -> list[sql.Composed]:
    """The statements that write `rows` into the table.

    columns: those that are written. window: the days whose rows delete+insert deletes first, if the model has a
    partition; append and merge do not use it.
    """
    target, names = identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    insert = sql.SQL("insert into {} ({}) select {} from {}").format(target, names, names, rows)
    if how.strategy == "merge":
        return [_merge(how, target, rows, columns)]
    if how.strategy == "append":
        return [insert]
    deletes = [
        sql.SQL("delete from {} where {}").format(target, replaced)
        for replaced in _replaced(how, rows, window)
    ]
    return [*deletes, insert]


def _replaced(how: Incremental, rows: sql.Identifier, window: Window | None) -> list[sql.Composed]:
    """The conditions on the table's rows that delete+insert replaces."""
    conditions: list[sql.Composed] = []
    if window and how.partition:
        column = sql.Identifier(how.partition.column)
        conditions.append(
            sql.SQL("{} >= {} and {} < ({}::date + 1)").format(
                column, sql.Literal(window.start), column, sql.Literal(window.end)
            )
        )
    if how.unique_key:
        key = sql.SQL(", ").join(map(sql.Identifier, how.unique_key))
        conditions.append(sql.SQL("({}) in (select {} from {})").format(key, key, rows))
    return conditions


def changes_rows(
    how: Incremental, table: Relation, rows: sql.Identifier, columns: Sequence[str], window: Window | None
) -> sql.Composed:
    """The query that gives whether the statements of `write_rows` would change the table.

    Rows are compared as text, because some types (json, point) know no equality.
    """
    target = identifier(table)
    if how.strategy == "append":
        return sql.SQL("select exists (select from {})").format(rows)
    if how.strategy == "merge":
        same = sql.SQL(" and ").join(
            sql.SQL("r.{0} = t.{0}").format(sql.Identifier(name)) for name in how.unique_key
        )
        return sql.SQL(
            "select exists (select from {} as r where not exists (select from {} as t where {} and {} = {}))"
        ).format(rows, target, same, _text(columns, "r"), _text(columns, "t"))
    conditions = [sql.SQL("({})").format(replaced) for replaced in _replaced(how, rows, window)]
    old = sql.SQL("select {} from {} as t where {}").format(
        _text(columns, "t"), target, sql.SQL(" or ").join(conditions or [sql.SQL("false")])
    )
    new = sql.SQL("select {} from {} as t").format(_text(columns, "t"), rows)
    return sql.SQL("select exists (({0}) except all ({1})) or exists (({1}) except all ({0}))").format(
        new, old
    )


def _text(columns: Sequence[str], alias: str) -> sql.Composed:
    """The row as one text."""
    return sql.SQL("row({})::text").format(
        sql.SQL(", ").join(sql.Identifier(alias, name) for name in columns)
    )


def _merge(
    how: Incremental, target: sql.Identifier, rows: sql.Identifier, columns: Sequence[str]
) -> sql.Composed:
    same = sql.SQL(" and ").join(
        sql.SQL("r.{0} = t.{0}").format(sql.Identifier(name)) for name in how.unique_key
    )
    changes = sql.SQL(", ").join(sql.SQL("{0} = r.{0}").format(sql.Identifier(name)) for name in columns)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    values = sql.SQL(", ").join(sql.Identifier("r", name) for name in columns)
    return sql.SQL(
        "merge into {} as t using {} as r on {} when matched then update set {}"
        " when not matched then insert ({}) values ({})"
    ).format(target, rows, same, changes, names, values)
