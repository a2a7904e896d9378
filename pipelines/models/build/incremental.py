"""The SQL that adds new rows to a model's existing table: dbt's incremental strategies, and changed columns.

What belongs here: statements over the existing table and `rows`, the table with the rows of the model's query. They
are run by node_builder.py, in one transaction with the model's checks. Not here: config
(models/project/materialization.py).
Source: dbt-adapters, "incremental strategies" (append, delete+insert, merge) and "on_schema_change", so that dbt makes
the same rows from the same folder. Only deleting a window is our own rule.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from pipelines.contracts.windows import Window
from pipelines.errors import ModelError
from pipelines.models.project.materialization import Incremental
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


def write_rows(
    how: Incremental, table: Relation, rows: sql.Identifier, columns: Sequence[str], window: Window | None
) -> list[sql.Composed]:
    """The statements that write `rows` into the table. The row count of the last one is the number of rows written.

    columns: those that are written. window: the days whose rows delete+insert deletes first, if the model has a
    partition; append and merge do not use it.
    """
    target, names = identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    insert = sql.SQL("insert into {} ({}) select {} from {}").format(target, names, names, rows)
    if how.strategy == "merge":
        return [_merge(how, target, rows, columns)]
    if how.strategy == "append":
        return [insert]
    deletes: list[sql.Composed] = []
    if window and how.partition:
        column = sql.Identifier(how.partition.column)
        deletes.append(
            sql.SQL("delete from {} where {} >= {} and {} < ({}::date + 1)").format(
                target, column, sql.Literal(window.start), column, sql.Literal(window.end)
            )
        )
    if how.unique_key:
        key = sql.SQL(", ").join(map(sql.Identifier, how.unique_key))
        deletes.append(
            sql.SQL("delete from {} where ({}) in (select {} from {})").format(target, key, key, rows)
        )
    return [*deletes, insert]


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
