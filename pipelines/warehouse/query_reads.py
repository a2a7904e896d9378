"""Says what the result of a query depends on, apart from its text: relations, the clock, and what can't be followed.

What belongs here: reading one query with sqlglot, and keeping what was read. Not here: the versions of what a model
reads (models/build/versions.py), columns (models/lineage/).
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from pipelines.warehouse.kept import Kept

PURE_FUNCTIONS = frozenset(
    {
        "abs", "acosd", "age", "array_append", "array_cat", "array_dims", "array_fill", "array_length", "array_lower",
        "array_ndims", "array_position", "array_positions", "array_prepend", "array_remove", "array_replace",
        "array_upper", "asind", "atand", "bit_length", "btrim", "cardinality", "char_length", "clock_timestamp",
        "convert_from", "convert_to", "cosd", "date_bin", "date_part", "div", "factorial", "format", "gcd", "initcap",
        "isfinite", "jsonb_array_length", "jsonb_build_array", "jsonb_build_object", "jsonb_extract_path",
        "jsonb_extract_path_text", "jsonb_strip_nulls", "jsonb_typeof", "justify_days", "justify_hours",
        "justify_interval", "kemiripan", "kunci_nama", "lcm", "make_date", "make_interval", "make_time",
        "make_timestamp", "make_timestamptz", "min_scale", "mod", "normalize", "num_nonnulls", "num_nulls",
        "octet_length", "overlay", "quote_ident", "quote_literal", "quote_nullable", "regexp_count", "regexp_instr",
        "regexp_like", "regexp_match", "regexp_matches", "regexp_split_to_array", "regexp_split_to_table",
        "regexp_substr", "reverse", "scale", "similarity", "sind", "split_part", "statement_timestamp",
        "strict_word_similarity", "string_to_array", "string_to_table", "strpos", "tand", "to_ascii", "to_date",
        "to_hex", "to_number", "to_timestamp", "translate", "trim_array", "trim_scale", "unaccent", "unistr",
        "width_bucket", "word_similarity",
    }
)  # fmt: skip
"""Functions of PostgreSQL and of warehouse/functions/ that sqlglot does not know and that read only their arguments.

Any other function could read a table (query_to_xml, dblink).
"""

_OWN_FUNCTIONS = frozenset({"kemiripan", "kunci_nama"})
"""Those of PURE_FUNCTIONS that the schema ops has. Without the schema's name, another function may be meant."""
_SESSION_NAMES = frozenset({"current_role", "current_user", "session_user", "user"})
"""Words without brackets by which PostgreSQL gives the session's role. sqlglot takes some of them for columns."""
_TIME_NAMES = frozenset({"clock_timestamp", "statement_timestamp", "transaction_timestamp", "timeofday"})
_TIME = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.Localtime, exp.Localtimestamp)
_TIME_WORDS = frozenset({"now", "today", "tomorrow", "yesterday"})
"""Literals that PostgreSQL reads as a moment when they become a date or timestamp."""
_CHANGING = ("Current", "Session", "Rand", "Uuid", "NextValue", "Systimestamp", "Version", "Localtime")
"""How sqlglot's names of functions begin whose result depends on more than arguments; those of _TIME are followed."""
_KEPT_WITH_TIME = (
    exp.Cast, exp.AtTimeZone, exp.TimestampTrunc, exp.DateTrunc, exp.Extract, exp.Paren, exp.Add, exp.Sub,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueryReads:
    """What a query reads.

    relations: `schema.name` of each table or view. clock: expressions of the date or time without a column; their
    values decide what the query gives. functions: names of functions of the schema ops. unknown: why the query cannot
    be followed, "" if it can.
    """

    relations: frozenset[str] = frozenset()
    clock: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    unknown: str = ""


def query_reads(sql: str) -> QueryReads:
    """What the query reads. A query that sqlglot cannot read, or a function that we do not know, is `unknown`."""
    return _memory.reads(sql)


def remember(folder: Path) -> None:
    """Lets this process know what earlier ones found; `keep` then writes there. Reading all models takes 2 s of CPU."""
    _memory.open(folder)


def keep() -> None:
    """Writes what this process has read anew, if `remember` said where. A folder that can't be written is left."""
    _memory.save()


class Memory:
    """What was read of each query.

    What it keeps has a hash of this module and the version of sqlglot in its file's name.
    """

    def __init__(self) -> None:
        self._kept = Kept("query_reads", _program)
        self._found: dict[str, QueryReads] = {}

    def open(self, folder: Path) -> None:
        """Reads what earlier processes kept in `folder`. A file that is missing or damaged is as none."""
        self._kept.open(folder)

    def reads(self, sql: str) -> QueryReads:
        """What the query reads."""
        found = self._found.get(sql)
        if found is None:
            with suppress(TypeError, ValueError):
                relations, clock, functions, unknown = self._kept.get(sql)
                found = QueryReads(frozenset(relations), frozenset(clock), frozenset(functions), str(unknown))
        if found is None:
            found = _read(sql)
            self._kept.put(
                sql, [sorted(found.relations), sorted(found.clock), sorted(found.functions), found.unknown]
            )
        self._found[sql] = found
        return found

    def save(self) -> None:
        """Writes the file, if there is something new."""
        self._kept.save()


@cache
def _program() -> str:
    return hashlib.sha256(Path(__file__).read_bytes() + version("sqlglot").encode()).hexdigest()[:16]


_memory = Memory()


def _read(sql: str) -> QueryReads:
    try:
        tree = parse_one(sql, dialect="postgres")
    except SqlglotError:
        return QueryReads(unknown="SQL-nya tidak terurai")
    named = {cte.alias for cte in tree.find_all(exp.CTE)}
    relations: set[str] = set()
    clock: set[str] = set()
    functions: set[str] = set()
    unknown: list[str] = []
    for part in tree.walk():
        if isinstance(part, exp.Table):
            if isinstance(part.this, exp.Identifier) and not (part.name in named and not part.db):
                relations.add(f"{part.db}.{part.name}")
        elif isinstance(part, _TIME):
            clock.add(_with_kept(part))
        elif isinstance(part, exp.Literal):
            _read_literal(part, clock, unknown)
        elif isinstance(part, exp.Column):
            if not part.table and not part.this.args.get("quoted") and part.name.lower() in _SESSION_NAMES:
                unknown.append(part.name.lower())
        elif isinstance(part, exp.Anonymous | exp.AnonymousAggFunc):
            _read_function(part, clock, functions, unknown)
        elif isinstance(part, exp.Func) and type(part).__name__.startswith(_CHANGING):
            unknown.append(f"fungsi {type(part).__name__}")
        elif isinstance(part, exp.TableSample | exp.Command):
            unknown.append("tablesample atau perintah")
    return QueryReads(
        frozenset(relations), frozenset(clock), frozenset(functions), "; ".join(sorted(set(unknown)))
    )


def _read_function(part: exp.Expr, clock: set[str], functions: set[str], unknown: list[str]) -> None:
    """Notes a function that sqlglot does not know by name."""
    name = part.name.lower()
    schema = ""
    if isinstance(part.parent, exp.Dot):
        schema = part.parent.this.name.lower()
    elif isinstance(part.parent, exp.Table):  # `from ops.f(...)`
        schema = part.parent.db.lower()
    if schema == "ops":
        functions.add(name)
    elif name in _TIME_NAMES:
        clock.add(_with_kept(part))
    elif name == "age" and len(part.expressions) == 1:
        clock.add("current_date")
    elif name not in PURE_FUNCTIONS or schema not in ("", "pg_catalog") or name in _OWN_FUNCTIONS:
        unknown.append(f"fungsi {name}")


def _read_literal(part: exp.Literal, clock: set[str], unknown: list[str]) -> None:
    """Notes a literal that PostgreSQL may read as a moment, such as 'today 08:00'."""
    words = _TIME_WORDS.intersection(_words(part.name)) if part.is_string else ()
    if words and isinstance(part.parent, exp.Cast):
        clock.add(_with_kept(part))
    elif words and (part.name.strip().lower() in words or re.search(r"\d", part.name)):
        unknown.append(f"teks '{part.name}'")


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _with_kept(time: exp.Expr) -> str:
    """The widest expression around `time` that PostgreSQL can compute alone, so `date_trunc('month', now())`."""
    widest = time
    while isinstance(widest.parent, _KEPT_WITH_TIME) and not any(
        isinstance(part, exp.Column | exp.Query | exp.AggFunc | exp.Window) for part in widest.parent.walk()
    ):
        widest = widest.parent
    return widest.sql(dialect="postgres")
