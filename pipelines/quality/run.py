"""A suite run by Great Expectations on one relation, in the database: the one place that imports Great Expectations.

First every expectation as a bare yes or no (GX joins them into few queries), then only what failed, for its counts.
Results hold counts and words, never a cell's value. Not here: which expectations there are (suites.py), what a failed
one means (gate.py for datasets, models/build/building.py for models).
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, cast
from uuid import uuid4

import psycopg
from psycopg import Connection
from sqlalchemy.pool import StaticPool

from pipelines.errors import QualityError
from pipelines.quality.suites import Expectation, Severity
from pipelines.warehouse.relation import Relation

_setting_up = Lock()
"""Held while GX's context changes, and while GX is imported. Queries run outside it: each thread has a source of its
own, and a query that waits for a table must not hold up whoever has locked that table and wants to ask."""

_DATABASE_SAID = re.compile(r"\(psycopg\.errors\.(\w+)\) (.*)")
_NO_COLUMN = re.compile(r'The column "\w+" in BatchData does not exist')
_NAMES_ONLY = "42"
"""PostgreSQL's class of errors about names and syntax. Messages of others may quote a value."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One expectation's result. unexpected, total: rows, None where GX gives none."""

    name: str
    severity: Severity
    passed: bool
    unexpected: int | None = None
    total: int | None = None
    message: str = ""


def run_suite(
    expectations: Sequence[Expectation],
    relation: Relation,
    rows: int | None,
    warehouse: str | Connection[Any],
) -> list[CheckResult]:
    """A result for every expectation, in their order, also for one that could not be asked: that one failed.

    rows: what `relation` has, where it is known. warehouse: a URL (SQLAlchemy, psycopg), or a session, which then sees
    what it has not committed; it is lent: its transaction is neither ended nor spoiled.
    """
    try:
        made, unmade = _made(expectations)
        with _source(warehouse) as source:
            asset = f"{relation.dotted}:{uuid4()}"
            batch = _batch(source, asset, relation)
            try:
                verdicts = _verdicts(batch, made, "BOOLEAN_ONLY")
                # One that could not be asked is not asked again: GX itself has tried it several times.
                failed = [e for e in made if _has_failed(verdicts.get(e.meta["nama"]))]
                detail = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
                details = _verdicts(batch, failed, detail) if failed else {}
            finally:
                source.delete_asset(asset)
    except Exception as error:  # a declared check always yields a result, whatever GX raises
        unmade = {e.name: _said(str(error), type(error).__name__) for e in expectations}
        verdicts, details = {}, {}
    return [
        _unasked(e, rows, unmade[e.name])
        if e.name in unmade
        else _result(e, verdicts.get(e.name), details.get(e.name), rows)
        for e in expectations
    ]


def import_ahead() -> None:
    """Imports GX, which takes seconds, so that the first suite finds it there."""
    with _setting_up:
        _context()


def instantiate(subject: str, expectation: Expectation) -> Any:
    """The GX object of an expectation. Raises QualityError where GX does not know it or its arguments."""
    from great_expectations.exceptions.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    severity = "critical" if expectation.blocking else "warning"
    try:
        implementation: Any = get_expectation_impl(expectation.type)
        return implementation(**expectation.kwargs, severity=severity, meta={"nama": expectation.name})
    except (ExpectationNotFoundError, ValueError, TypeError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise QualityError(
            subject, f"expectation {expectation.name}: {words}", hint="mend the suite"
        ) from None


class _Lent:
    """A psycopg session as GX gets it: what is a transaction to GX is a savepoint here, always taken back."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._begun: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def cursor(self, *arguments: Any, **named: Any) -> Any:
        if self._begun is None:
            self._begun = self._connection.transaction(force_rollback=True)
            self._begun.__enter__()
        return self._connection.cursor(*arguments, **named)

    def rollback(self) -> None:
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.__exit__(None, None, None)

    commit = rollback

    def close(self) -> None:
        self.rollback()


@cache
def _context() -> Any:
    """One ephemeral context per process, telling nobody."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context


def _added(name: str, url: str, **engine: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the data source made for PostgreSQL knows no psycopg 3
        return _context().data_sources.add_sql(name, connection_string=url, kwargs=engine)


@cache
def _at(url: str) -> Any:
    return _added(url, url)


@contextmanager
def _source(warehouse: str | Connection[Any]) -> Generator[Any]:
    """GX's data source: of a URL one for the process, of a session one for as long as it is lent."""
    if isinstance(warehouse, str):
        with _setting_up:
            source = _at(warehouse)
        yield source
        return
    lent, name = _Lent(warehouse), f"sesi {uuid4()}"
    with _setting_up:
        source = _added(
            name, "postgresql+psycopg://", creator=lambda: lent, poolclass=StaticPool, use_native_hstore=False
        )
    try:
        yield source
    finally:
        with _setting_up:
            _context().data_sources.delete(name)
        if not warehouse.broken:
            lent.close()


def _batch(source: Any, asset: str, relation: Relation) -> Any:
    table = source.add_table_asset(asset, table_name=relation.identifier, schema_name=relation.schema)
    return table.add_batch_definition_whole_table("all").get_batch()


def _made(expectations: Iterable[Expectation]) -> tuple[list[Any], dict[str, str]]:
    """GX's objects, and why there is none of the others."""
    with _setting_up:
        _context()
    made: list[Any] = []
    unmade: dict[str, str] = {}
    for expectation in expectations:
        try:
            made.append(instantiate("", expectation))
        except QualityError as error:
            unmade[expectation.name] = error.message
    return made, unmade


def _verdicts(batch: Any, expectations: Iterable[Any], result_format: Any) -> dict[str, Any]:
    from great_expectations.core.expectation_suite import ExpectationSuite

    gx_suite = ExpectationSuite(name=str(uuid4()))
    for expectation in expectations:
        gx_suite.add_expectation(expectation)
    outcome = batch.validate(gx_suite, result_format=result_format)
    return {r.expectation_config.meta["nama"]: r for r in outcome.results}


def _has_failed(verdict: Any) -> bool:
    return verdict is not None and not verdict.success and not _infos(verdict.exception_info)


def _result(expectation: Expectation, verdict: Any, detail: Any, rows: int | None) -> CheckResult:
    if verdict is None:
        return _unasked(expectation, rows, "another one asks the very same")
    if verdict.success:
        return CheckResult(expectation.name, expectation.severity, True, 0, rows, expectation.message)
    counts = (detail.result if detail is not None else {}) or {}
    if not counts:
        return _unasked(expectation, rows, _raised(verdict.exception_info))
    observed = counts.get("observed_value")
    unexpected = (
        observed if expectation.type == "unexpected_rows_expectation" else counts.get("unexpected_count")
    )
    message = expectation.message
    if unexpected is not None:
        message = f"{message} ({unexpected} baris)"
    elif isinstance(observed, int | float):
        message = f"{message} (teramati: {observed})"
    return CheckResult(expectation.name, expectation.severity, False, unexpected, rows, message)


def _unasked(expectation: Expectation, rows: int | None, why: str) -> CheckResult:
    message = f"{expectation.message} Pemeriksaan tidak dapat dijalankan: {why} ({expectation.type})."
    return CheckResult(expectation.name, expectation.severity, False, None, rows, message.lstrip())


def _raised(exception_info: Any) -> str:
    """What GX met, of the first thing that it met: it keeps one for each of an expectation's metrics."""
    for message in _infos(exception_info):
        return _said(message)
    return "Great Expectations gave no counts"


def _infos(exception_info: Any) -> list[str]:
    """The messages of what was raised; none where nothing was."""
    found = cast(Mapping[str, Any], exception_info or {})
    several = [cast(Mapping[str, Any], info) for info in found.values() if isinstance(info, Mapping)]
    return [str(info["exception_message"]) for info in several or [found] if info.get("exception_message")]


def _said(text: str, kind: str = "an error of Great Expectations") -> str:
    """What an error is about. Its text may quote a value: of it, only what says that a name is wrong is passed on."""
    if match := _DATABASE_SAID.search(text):
        kind, words = match.groups()
        if kind == "QueryCanceled":
            return "tidak selesai dalam batas waktunya (check_timeout di kontrak)"
        code = getattr(getattr(psycopg.errors, kind, None), "sqlstate", None) or ""
        return words if code.startswith(_NAMES_ONLY) else kind
    no_column = _NO_COLUMN.search(text)
    return no_column[0] if no_column else kind
