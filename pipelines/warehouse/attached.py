"""Recreates the objects that depend on a relation when it is exchanged, or refuses the exchange.

What belongs here: the statements that make constraints, indexes, defaults, triggers, rules and statistics again; the
error for objects that can't be made again (policies, publications, materialized views, foreign keys of other tables,
functions). Not here: the exchange itself; dependent views, grants and comments (swap.py). Why not TRUNCATE and INSERT:
docs/adr/031.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import Connection, errors, sql

from pipelines.errors import LoadError
from pipelines.identifiers import CANDIDATE_SUFFIX, LONGEST_MODEL, shortened
from pipelines.warehouse.relation import Relation, identifier, trusted_sql

_HEAD = """
select a.relation, a.kind, a.name, a.home, a.definition, a.state, d.description
from (
"""
_TAIL = """
) as a (relation, kind, name, home, definition, state, class, oid)
left join pg_catalog.pg_description as d on d.classoid = a.class and d.objoid = a.oid and d.objsubid = 0
order by a.relation, a.kind, a.name
"""
_DEFAULTS = """
    select f.adrelid, 'default', at.attname, null::name, pg_get_expr(f.adbin, f.adrelid), null::text,
        'pg_catalog.pg_attrdef'::regclass, f.oid
    from pg_catalog.pg_attrdef as f
    join pg_catalog.pg_attribute as at on at.attrelid = f.adrelid and at.attnum = f.adnum and at.attgenerated = ''
    where f.adrelid = any(%(oids)s)
"""
_COPIED_BEFORE = "".join(
    (
        _HEAD,
        """
    select k.conrelid, 'constraint', k.conname, null::name,
        pg_get_constraintdef(k.oid), case when k.contype in ('p', 'u', 'x') then 'index' end,
        'pg_catalog.pg_constraint'::regclass, k.oid
    from pg_catalog.pg_constraint as k
    where k.conrelid = any(%(oids)s) and k.contype in ('c', 'f', 'p', 'u', 'x')
    union all
    select i.indrelid, 'index', ic.relname, n.nspname,
        substr(pg_get_indexdef(ic.oid), length(format('CREATE %%s %%I ON %%I.%%I ',
            case when i.indisunique then 'UNIQUE INDEX' else 'INDEX' end, ic.relname, n.nspname, c.relname)) + 1),
        case when i.indisunique then 'unique' end, 'pg_catalog.pg_class'::regclass, ic.oid
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as ic on ic.oid = i.indexrelid
    join pg_catalog.pg_class as c on c.oid = i.indrelid and c.relkind = 'r'
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where
        i.indrelid = any(%(oids)s) and i.indisvalid and not exists (
            select from pg_catalog.pg_constraint as k
            where k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
        )
    -- Before PostgreSQL 18, NOT NULL is not in pg_constraint. A primary key brings its own.
    union all
    select at.attrelid, 'not null', at.attname, null, '', null, 'pg_catalog.pg_attrdef'::regclass, 0
    from pg_catalog.pg_attribute as at
    where
        at.attrelid = any(%(oids)s) and at.attnotnull and at.attnum > 0 and not at.attisdropped and not exists (
            select from pg_catalog.pg_constraint as k
            where k.conrelid = at.attrelid and k.contype = 'p' and at.attnum = any(k.conkey)
        )
    union all
""",
        _DEFAULTS,
        _TAIL,
    )
)
"""Objects that are made on the new table before the exchange. The new rows must satisfy them."""

_MADE_AFTER = "".join(
    (
        _HEAD,
        _DEFAULTS,
        """
    union all
    select t.tgrelid, 'trigger', t.tgname, null, pg_get_triggerdef(t.oid), t.tgenabled::text,
        'pg_catalog.pg_trigger'::regclass, t.oid
    from pg_catalog.pg_trigger as t
    where t.tgrelid = any(%(oids)s) and not t.tgisinternal
    union all
    select r.ev_class, 'rule', r.rulename, null, pg_get_ruledef(r.oid), r.ev_enabled::text,
        'pg_catalog.pg_rewrite'::regclass, r.oid
    from pg_catalog.pg_rewrite as r
    where r.ev_class = any(%(oids)s) and r.rulename <> '_RETURN'
    union all
    select s.stxrelid, 'statistics', s.stxname, n.nspname, pg_get_statisticsobjdef(s.oid), null,
        'pg_catalog.pg_statistic_ext'::regclass, s.oid
    from pg_catalog.pg_statistic_ext as s
    join pg_catalog.pg_namespace as n on n.oid = s.stxnamespace
    where s.stxrelid = any(%(oids)s)
""",
        _TAIL,
    )
)
"""Objects that can be made only after the exchange, when the new relation has the name."""

_HINDRANCES = """
with types as (
    select t.oid, e.oid as element
    from pg_catalog.pg_type as t left join pg_catalog.pg_type as e on e.oid = t.typarray
    where t.typrelid = any(%(oids)s)
),
dependents as (
    select d.classid, d.objid
    from pg_catalog.pg_depend as d
    where d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = any(%(oids)s)
    union
    select d.classid, d.objid
    from pg_catalog.pg_depend as d
    join types on d.refobjid in (types.oid, types.element)
    where d.refclassid = 'pg_catalog.pg_type'::regclass
),
hindrances as (
    select d.classid, d.objid
    from dependents as d
    where not case d.classid
        when 'pg_catalog.pg_class'::regclass
            then exists (select from pg_catalog.pg_class as c where c.oid = d.objid and c.relkind in ('i', 't'))
        when 'pg_catalog.pg_type'::regclass
            then exists (select from types where d.objid in (types.oid, types.element))
        when 'pg_catalog.pg_rewrite'::regclass
            then exists (select from pg_catalog.pg_rewrite as r where r.oid = d.objid and r.ev_class = any(%(oids)s))
        when 'pg_catalog.pg_attrdef'::regclass
            then exists (select from pg_catalog.pg_attrdef as f where f.oid = d.objid and f.adrelid = any(%(oids)s))
        when 'pg_catalog.pg_constraint'::regclass
            then exists (
                select from pg_catalog.pg_constraint as k
                where k.oid = d.objid and k.conrelid = any(%(oids)s) and k.confrelid <> k.conrelid
            )
        when 'pg_catalog.pg_trigger'::regclass
            then exists (select from pg_catalog.pg_trigger as t where t.oid = d.objid and t.tgrelid = any(%(oids)s))
        when 'pg_catalog.pg_statistic_ext'::regclass
            then exists (
                select from pg_catalog.pg_statistic_ext as s where s.oid = d.objid and s.stxrelid = any(%(oids)s)
            )
        else false
    end
)
select
    h.classid::regclass::text,
    case
        when r.oid is null then pg_describe_object(h.classid, h.objid, 0)
        else pg_describe_object('pg_catalog.pg_class'::regclass, r.ev_class, 0)
    end
from hindrances as h
left join pg_catalog.pg_rewrite as r on r.oid = h.objid and h.classid = 'pg_catalog.pg_rewrite'::regclass
union
select 'pg_inherits', pg_describe_object('pg_catalog.pg_class'::regclass, i.inhparent, 0)
from pg_catalog.pg_inherits as i where i.inhrelid = any(%(oids)s)
union
select 'pg_seclabel', 'security label of ' || l.provider
from pg_catalog.pg_seclabel as l
where l.classoid = 'pg_catalog.pg_class'::regclass and l.objoid = any(%(oids)s)
order by 1, 2
"""

_HINTS: Mapping[str, str] = {
    "pg_rewrite": "hapus, lalu tulis sebagai model dbt_like_sql/, yang dibangun sesudah pemuatan",
    "pg_constraint": "hapus foreign key itu: uji `relationships` pada model menjaga hal yang sama",
    "pg_proc": "hapus, lalu tulis isinya sebagai teks ($$ ... $$), yang baru diikat saat dijalankan",
    "pg_policy": "hapus policy itu, lalu pasang pada view di atasnya, atau beri hak atas view itu",
    "pg_publication_rel": "keluarkan tabel dari publication, lalu terbitkan schema-nya (for tables in schema)",
    "pg_inherits": "keluarkan dari inheritance atau partitioning",
    "pg_seclabel": "pasang label pada view di atasnya",
}
"""What the operator can do, by the system catalogue of the object that prevents an exchange."""

_STATES: Mapping[str, LiteralString] = {"D": "disable", "R": "enable replica", "A": "enable always"}
"""The keywords that restore a state of a trigger or rule (pg_trigger.tgenabled, pg_rewrite.ev_enabled).

A new one is enabled, so the state "O" needs none."""


@dataclass(frozen=True, slots=True)
class Attached:
    """One object that depends on a relation.

    kind: constraint, index, not null, default, trigger, rule, statistics.
    home: the schema of an object that has its own, such as an index.
    definition: for a constraint, an index or a default the part of the statement after its name; else all of it.
    state: "index" for a constraint with an index, "unique" for an index, the catalogue's letter for triggers and rules.
    """

    relation: int
    kind: str
    name: str
    home: str | None
    definition: str
    state: str | None
    comment: str | None


def objects_copied_before_exchange(conn: Connection[Any], oid: int) -> list[Attached]:
    """Constraints, indexes and defaults of a table. Call it with an empty search path, so that names are qualified."""
    return [Attached(*row) for row in conn.execute(_COPIED_BEFORE, {"oids": [oid]}).fetchall()]


def objects_made_after_exchange(conn: Connection[Any], oids: Sequence[int]) -> list[Attached]:
    """Reads the triggers, rules, statistics and defaults of the relations.

    Call it with an empty search path: then PostgreSQL writes every name with its schema.
    """
    return [Attached(*row) for row in conn.execute(_MADE_AFTER, {"oids": list(oids)}).fetchall()]


def refuse_hindrances(conn: Connection[Any], relation: Relation, oids: Sequence[int]) -> None:
    """Raises LoadError if an exchange would lose an object that depends on the relations, or is prevented by one.

    oids: of `relation` and of the views that depend on it. Call it with an empty search path.
    """
    found = conn.execute(_HINDRANCES, {"oids": list(oids)}).fetchall()
    if not found:
        return
    raise LoadError(
        relation.dotted,
        f"tidak dapat ditukar dengan baris barunya karena {', '.join(name for _, name in found)}; yang sudah terbit"
        " tidak berubah",
        hint=_HINTS.get(found[0][0], "hapus, atau arahkan ke view di atasnya"),
        code="GDK-M009",
    )


def temporary_name(name: str) -> str:
    """The name of a new index while the old index still has the real one."""
    return shortened(name, LONGEST_MODEL) + CANDIDATE_SUFFIX


def copy_to(
    conn: Connection[Any],
    relation: Relation,
    candidate: Relation,
    things: Iterable[Attached],
    ours: re.Pattern[str] | None,
) -> list[Attached]:
    """Makes the constraints, indexes and defaults of `relation` also on `candidate`. Gives those that were made.

    Objects on a column that `candidate` lacks are left out. ours: names of objects that our own code has already made
    on the candidate. Raises LoadError if the new rows break a constraint or index.
    """
    made: list[Attached] = []
    for thing in things:
        if ours and ours.fullmatch(thing.name):
            continue
        try:
            with conn.transaction():
                conn.execute(statement_on(candidate, thing))
        except errors.UndefinedColumn:
            continue
        except (errors.IntegrityError, errors.DataError, errors.SyntaxErrorOrAccessRuleViolation) as error:
            raise LoadError(
                relation.dotted,
                f"baris barunya melanggar {thing.kind} {thing.name} yang dipasang orang lain; yang sudah terbit tidak"
                " berubah",
                hint=f"perbaiki baris itu di sumbernya, atau hapus {thing.kind} itu",
                code="GDK-M009",
            ) from error
        made.append(thing)
    return made


def statement_on(table: Relation, thing: Attached) -> sql.Composed:
    """The statement that makes a constraint, an index or a default on `table`.

    Indexes get a temporary name, because the old index still has the real one.
    """
    on, definition = identifier(table), trusted_sql(thing.definition)
    if thing.kind == "index":
        return sql.SQL("create {}index {} on {} {}").format(
            sql.SQL("unique " if thing.state == "unique" else ""),
            sql.Identifier(temporary_name(thing.name)),
            on,
            definition,
        )
    if thing.kind == "constraint":
        name = temporary_name(thing.name) if thing.state == "index" else thing.name
        return sql.SQL("alter table {} add constraint {} {}").format(on, sql.Identifier(name), definition)
    action = sql.SQL("set not null") if thing.kind == "not null" else sql.SQL("set default {}")
    return sql.SQL("alter table {} alter column {} {}").format(
        on, sql.Identifier(thing.name), action.format(definition)
    )


def take_over_names(conn: Connection[Any], relation: Relation, made: Iterable[Attached]) -> None:
    """Renames the indexes that `copy_to` made to the names of the old ones, and copies the comments of all objects."""
    for thing in made:
        if "index" in (thing.kind, thing.state):
            conn.execute(
                sql.SQL("alter index {} rename to {}").format(
                    sql.Identifier(relation.schema, temporary_name(thing.name)), sql.Identifier(thing.name)
                )
            )
        if thing.comment is not None:
            conn.execute(comment_statement(relation, thing))


def recreate_triggers_and_rules(
    conn: Connection[Any], relation: Relation, things: Iterable[Attached], exchanged: Relation
) -> None:
    """Makes triggers, rules and statistics of the relation again, and the defaults of a view.

    exchanged: the relation that was exchanged, for the error. Raises LoadError for a trigger, rule or default that does
    not fit the new columns. Statistics that do not fit are left out.
    """
    for thing in things:
        statement = trusted_sql(thing.definition)
        if thing.kind == "default":
            statement = statement_on(relation, thing)
        try:
            with conn.transaction():
                conn.execute(statement)
        except (errors.UndefinedColumn, errors.WrongObjectType, errors.InvalidObjectDefinition) as error:
            if thing.kind == "statistics":
                continue
            raise LoadError(
                exchanged.dotted,
                f"bentuk barunya merusak {thing.kind} {thing.name} pada {relation.dotted}:"
                f' kata PostgreSQL: "{error.diag.message_primary}"',
                hint=f"pertahankan kolom itu, atau ubah dulu {thing.kind} itu",
                code="GDK-M009",
            ) from error
        state = _STATES.get(thing.state or "")
        if state and thing.kind in ("trigger", "rule"):
            conn.execute(
                sql.SQL("alter table {} {} {} {}").format(
                    identifier(relation),
                    sql.SQL(state),
                    trusted_sql(thing.kind),
                    sql.Identifier(thing.name),
                )
            )
        if thing.comment is not None:
            conn.execute(comment_statement(relation, thing))


def comment_statement(relation: Relation, thing: Attached) -> sql.Composed:
    """The statement that gives the object its comment."""
    if thing.home is None:
        name = sql.SQL("{} on {}").format(sql.Identifier(thing.name), identifier(relation))
    else:
        name = sql.Identifier(thing.home, thing.name)
    return sql.SQL("comment on {} {} is {}").format(trusted_sql(thing.kind), name, sql.Literal(thing.comment))
