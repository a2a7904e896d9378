"""Runs a suite on one relation, in the database. Only this module and gx_source.py import Great Expectations (GX).

first_pass.py answers most of the expectations that hold. GX answers the others first with yes or no, which takes few
queries; only then is it asked for counts, if they say more. Results hold counts, never a cell's value, and the query of
a failed rule on query_text.ROWS. Not here: which expectations there are (suites.py), the rows that deviate
(evidence.py), what a failed one means (gate.py for datasets, models/build/audit.py for models).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import Any, cast
from uuid import uuid4

import psycopg
from psycopg import Connection

from pipelines.errors import QualityError
from pipelines.numbers import number
from pipelines.quality import first_pass
from pipelines.quality.evidence import duplicates
from pipelines.quality.gx_source import GX_LOCK, batch_of, context, data_source, open_session
from pipelines.quality.query_text import ROWS
from pipelines.quality.results import CheckResult, describe_rows
from pipelines.quality.suites import QUERY, QUERY_TYPE, ROW_COUNT_TYPE, Expectation
from pipelines.suggest import did_you_mean
from pipelines.warehouse.relation import Relation, trusted_sql

Validate = Callable[[Any, Sequence[Any], Any], Mapping[str, Any]]
"""Runs GX's expectations on a GX batch in one result format, and gives GX's results by the expectations' names."""

Held = Callable[[Sequence[Expectation], Relation, int | None, Connection[Any]], Mapping[str, CheckResult]]
"""Gives the results, by name, of the expectations that hold."""

_DATABASE_ERROR = re.compile(r"\(psycopg\.errors\.(\w+)\) (.*)")
_NO_COLUMN = re.compile(r'The column "\w+" in BatchData does not exist')
_PYTHON_DATE = re.compile(r"datetime\.date(time)?\(([0-9, ]+)\)")
_NAMES_ONLY = "42"
"""PostgreSQL's class of errors about names and syntax. The messages of other classes may quote a value."""
_COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0, "return_unexpected_index_query": True}
_UNIQUE_TYPES = frozenset({"expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"})
"""Of these GX's own query is hard to read, and gives no row as it is in the table."""
_COUNT_OR_SHARE = re.compile(
    r"expect_table_\w+|expect_column_unique_value_count_to_be_between|expect_column_proportion_of_\w+"
)
"""Types whose observed number is a count or a share. That of another type, as a maximum, may be a row's value."""


def validate(batch: Any, expectations: Sequence[Any], result_format: Any) -> Mapping[str, Any]:
    """Runs GX's expectations on one batch and gives GX's results by name. One that repeats another has none."""
    from great_expectations.core.expectation_suite import ExpectationSuite

    gx_suite = ExpectationSuite(name=str(uuid4()))
    for expectation in expectations:
        gx_suite.add_expectation(expectation)
    outcome = batch.validate(gx_suite, result_format=result_format)
    return {r.expectation_config.meta["nama"]: r for r in outcome.results}


def run_suite(
    expectations: Sequence[Expectation],
    relation: Relation,
    rows: int | None,
    warehouse: str | Connection[Any],
    *,
    shown: Set[str] = frozenset(),
    validate: Validate = validate,
    held: Held = first_pass.held,
) -> list[CheckResult]:
    """Runs the expectations and gives one result for each, in order. An expectation that could not be run has failed.

    GX is imported only if first_pass.py can't say that all of them hold.

    rows: the number of rows of `relation`, if it is known.
    warehouse: a URL (SQLAlchemy, psycopg), or a session, which then sees its own uncommitted rows. The session's
    transaction is neither ended nor changed.
    shown: the columns whose values may be shown; only of these a result says a maximum, a mean or the like. validate,
    held: how GX and first_pass.py answer.
    """
    known: Mapping[str, CheckResult] = {}
    with suppress(psycopg.Error), open_session(warehouse) as session:
        known = held(expectations, relation, rows, session)
    left = [e for e in expectations if e.name not in known]
    found = {r.name: r for r in _ask_gx(left, relation, rows, warehouse, shown, validate)} if left else {}
    results = [replace(known.get(e.name) or found[e.name], rule=e.rule) for e in expectations]
    if not any(e.skipped for e in expectations):
        return results
    with suppress(psycopg.Error), open_session(warehouse) as session:
        return [_with_skipped(r, e, relation, session) for r, e in zip(results, expectations, strict=True)]
    return results


def _with_skipped(
    result: CheckResult, expectation: Expectation, relation: Relation, session: Connection[Any]
) -> CheckResult:
    """The result, which says how much the expectation has not judged. A query that is refused says nothing."""
    if expectation.skipped is None:
        return result
    query = trusted_sql(expectation.skipped.query.format(batch=relation))
    try:
        with session.transaction():
            skipped, of = session.execute(query).fetchone() or (0, 0)
    except psycopg.Error:
        if session.broken:
            raise
        return result
    said = f"{number(skipped)} dari {number(of)} {expectation.skipped.what}"
    seen = result.observed or (result.message if result.passed else "")
    return replace(
        result,
        message=f"{result.message}; {said}",
        observed=f"{seen}; {said}" if seen else said,
    )


def _ask_gx(
    expectations: Sequence[Expectation],
    relation: Relation,
    rows: int | None,
    warehouse: str | Connection[Any],
    shown: Set[str],
    validate: Validate,
) -> list[CheckResult]:
    """GX's results of the expectations, in order."""
    try:
        made, errors = _instantiate_all(expectations)
        with data_source(warehouse) as source:
            asset = f"{relation.dotted}:{uuid4()}"
            batch = batch_of(source, asset, relation)
            try:
                verdicts = dict(validate(batch, [e for e in made if _yes_is_enough(e, rows)], "BOOLEAN_ONLY"))
                # One that raised an exception is not run again: GX itself has tried it several times.
                uncounted = [e for e in made if _needs_counts(verdicts.get(e.meta["nama"]), e, rows)]
                counts = validate(batch, uncounted, _COUNTS) if uncounted else {}
            finally:
                source.delete_asset(asset)
    except Exception as error:  # a declared check always yields a result, whatever GX raises
        errors = {e.name: _text_without_values(str(error), type(error).__name__) for e in expectations}
        verdicts, counts = {}, {}
    return [
        _not_run(e, rows, errors[e.name])
        if e.name in errors
        else result_of(e, verdicts.get(e.name), counts.get(e.name), rows, relation, shown)
        for e in expectations
    ]


def import_ahead(suites: Iterable[Iterable[Expectation]]) -> None:
    """Imports GX, which takes seconds, before it is asked, if a suite has an expectation that only GX can answer."""
    if all(first_pass.is_known(e) for suite in suites for e in suite):
        return
    with GX_LOCK:
        context()


def instantiate(subject: str, expectation: Expectation) -> Any:
    """The GX object of an expectation. Raises QualityError if GX does not know the type, or refuses the arguments."""
    from great_expectations.exceptions.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    severity = "critical" if expectation.blocking else "warning"
    try:
        implementation: Any = get_expectation_impl(expectation.type)
    except ExpectationNotFoundError:
        known = list_registered_expectation_implementations()
        raise QualityError(
            subject,
            f"{expectation.name}: ekspektasi {expectation.type} tidak dikenal Great Expectations",
            hint=did_you_mean(expectation.type, known) or "lihat greatexpectations.io/expectations",
        ) from None
    try:
        return implementation(**expectation.kwargs, severity=severity, meta={"nama": expectation.name})
    except (ValueError, TypeError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise QualityError(
            subject,
            f"{expectation.name}: kwargs ditolak Great Expectations: {why}",
            hint="perbaiki kwargs di suite",
        ) from None


def _instantiate_all(expectations: Iterable[Expectation]) -> tuple[list[Any], dict[str, str]]:
    """GX's objects, and by name the errors of those that GX refuses."""
    with GX_LOCK:
        context()
    made: list[Any] = []
    errors: dict[str, str] = {}
    for expectation in expectations:
        try:
            made.append(instantiate("", expectation))
        except QualityError as error:
            errors[expectation.name] = error.message
    return made, errors


def _yes_is_enough(made: Any, rows: int | None) -> bool:
    """Whether no counts are needed if GX says yes: then no row deviates, or the known row count is right."""
    from great_expectations.expectations import expectation as gx

    if made.expectation_type == ROW_COUNT_TYPE:
        return rows is not None
    by_row = gx.ColumnMapExpectation | gx.ColumnPairMapExpectation | gx.MulticolumnMapExpectation
    return isinstance(made, by_row | gx.UnexpectedRowsExpectation) and getattr(made, "mostly", 1) == 1


def _needs_counts(verdict: Any, made: Any, rows: int | None) -> bool:
    if verdict is None:
        return not _yes_is_enough(made, rows)
    return not verdict.success and not _raised_messages(verdict.exception_info)


def result_of(
    expectation: Expectation,
    verdict: Any,
    counted: Any,
    rows: int | None,
    relation: Relation | None = None,
    shown: Set[str] = frozenset(),
) -> CheckResult:
    """The result of an expectation, made from GX's answers.

    verdict: GX's yes or no, None if GX was asked only for counts. counted: GX's result with counts, None if a yes was
    enough. Both None: GX dropped the expectation, because another one is the same. relation: what GX's queries read.
    shown: see `run_suite`.
    """
    verdict = counted if verdict is None else verdict
    if verdict is None:
        return _not_run(expectation, rows, "ekspektasi lain di suite ini menanyakan hal yang sama")
    counts = (counted.result if counted is not None else {}) or {}
    if not verdict.success and not counts:
        return _not_run(expectation, rows, _why_raised(verdict.exception_info))
    unexpected, seen = _describe_counts(expectation, counts, rows, shown)
    observed = "" if unexpected is not None else seen
    query = ""
    if verdict.success:
        message = seen or "sesuai ekspektasi"
    else:
        bounds = _bounds(expectation) if observed else ""
        details = ", ".join(filter(None, (seen, bounds)))
        message = f"{expectation.message} ({details})" if details else expectation.message
        observed = details if observed else ""
        query = _query_of(expectation, counts, relation)
    if verdict.success and unexpected is None:
        unexpected = 0
    return CheckResult(
        expectation.name,
        expectation.severity,
        bool(verdict.success),
        unexpected,
        rows,
        message,
        expectation.type,
        observed.removeprefix("nilai terlihat: "),
        query,
    )


def _bounds(expectation: Expectation) -> str:
    """What an observed number should have been, "" if the expectation has no bounds that are numbers."""
    low, high = (expectation.kwargs.get(name) for name in ("min_value", "max_value"))
    low, high = (bound if isinstance(bound, int | float) else None for bound in (low, high))
    if low is not None and high is not None:
        return f"seharusnya {number(low)} sampai {number(high)}"
    if low is not None:
        return f"seharusnya sedikitnya {number(low)}"
    return "" if high is None else f"seharusnya paling banyak {number(high)}"


def _query_of(expectation: Expectation, counts: Mapping[str, Any], relation: Relation | None) -> str:
    """The query on ROWS for the rows that deviate; "" if the expectation is not about single rows."""
    if expectation.type == QUERY_TYPE:
        return str(expectation.kwargs[QUERY]).format(batch=ROWS)
    if expectation.type in _UNIQUE_TYPES:
        columns = expectation.kwargs.get("column_list") or [expectation.kwargs["column"]]
        return duplicates([str(c) for c in columns])
    query = str(counts.get("unexpected_index_query") or "")
    if not query or relation is None:
        return ""
    # SQLAlchemy quotes a name only where it must, doubles each %, and writes a date as Python does.
    name = rf'"?{re.escape(relation.schema)}"?\."?{re.escape(relation.identifier)}"?'
    query = re.sub(name, ROWS, query).replace("%%", "%")
    return _PYTHON_DATE.sub(lambda match: f"'{_date_of(match)}'", query)


def _date_of(match: re.Match[str]) -> date:
    numbers = [int(number) for number in match[2].split(",")]
    return datetime(*numbers) if match[1] else date(*numbers)  # type: ignore[arg-type, misc]


def _describe_counts(
    expectation: Expectation, counts: Mapping[str, Any], rows: int | None, shown: Set[str]
) -> tuple[int | None, str]:
    """The number of rows that deviate, None if the expectation counts no rows; and a text of what was seen.

    The text is "" without a number, and if the number may be a closed value.

    counts: GX's result; empty if a yes was enough.
    """
    observed = counts.get("observed_value")
    if expectation.type == ROW_COUNT_TYPE:
        return None, f"{number(observed or rows or 0)} baris"
    if expectation.type == QUERY_TYPE or not counts:
        # A query's rows may not be the table's rows. Only if there are none do we know that no row deviates.
        unexpected = int(observed or 0)
        return unexpected, describe_rows(unexpected, None if unexpected else rows)
    if (unexpected := counts.get("unexpected_count")) is not None:
        return unexpected, describe_rows(unexpected, counts.get("element_count", rows))
    may_show = _COUNT_OR_SHARE.fullmatch(expectation.type) or expectation.kwargs.get("column") in shown
    return None, f"nilai terlihat: {number(observed)}" if isinstance(
        observed, int | float
    ) and may_show else ""


def _not_run(expectation: Expectation, rows: int | None, why: str) -> CheckResult:
    message = f"{expectation.message} Pemeriksaan tidak dapat dijalankan: {why} ({expectation.type})."
    return CheckResult(
        expectation.name, expectation.severity, False, None, rows, message.lstrip(), expectation.type
    )


def _why_raised(exception_info: Any) -> str:
    """A text about the first exception of GX, which keeps one for each metric of an expectation."""
    for message in _raised_messages(exception_info):
        return _text_without_values(message)
    return "Great Expectations tidak memberi hitungan"


def _raised_messages(exception_info: Any) -> list[str]:
    found = cast(Mapping[str, Any], exception_info or {})
    several = [cast(Mapping[str, Any], info) for info in found.values() if isinstance(info, Mapping)]
    return [str(info["exception_message"]) for info in several or [found] if info.get("exception_message")]


def _text_without_values(text: str, kind: str = "galat Great Expectations") -> str:
    """A text about an error. Errors may quote a value, so only those about wrong names are shown in full."""
    if match := _DATABASE_ERROR.search(text):
        kind, message = match.groups()
        if kind == "QueryCanceled":
            return "tidak selesai dalam batas waktunya (check_timeout di kontrak)"
        code = getattr(getattr(psycopg.errors, kind, None), "sqlstate", None) or ""
        return message if code.startswith(_NAMES_ONLY) else kind
    no_column = _NO_COLUMN.search(text)
    return no_column[0] if no_column else kind
