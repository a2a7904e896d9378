"""Declares the checks of a dataset's asset, and gives their results to Dagster.

Every run gives a result for each check that it planned, because Dagster shows a check without a result in red or grey.
Not here: what a check tests (quality/).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import dagster as dg
from psycopg import Connection

from pipelines.assets.check_groups import Group, Rule, grouped, output_identifier
from pipelines.assets.check_pages import result_of_group, result_of_rule
from pipelines.contracts.model import Contract
from pipelines.errors import GudangError, ShapeError
from pipelines.ingest import Ingested
from pipelines.numbers import number
from pipelines.publication.dictionary.explanations import promises
from pipelines.quality.freshness import Freshness, freshness, is_promised
from pipelines.quality.gate import delivery_checks, warning_checks
from pipelines.quality.raw_checks import (
    LastResult,
    check_raw,
    delivery_result,
    last_results,
    results_without_delivery,
    window_results,
)
from pipelines.quality.results import CheckResult, record
from pipelines.quality.suites import FRESH_CHECK, LOAD_CHECK, QUARANTINE_CHECK, SHAPE_CHECK, Expectation
from pipelines.runtime.state_words import LOADS

_DROPPED = (
    "Pemuatan ini ditolak atau menunggu persetujuan, jadi barisnya tidak ada di raw: SQL ini membaca raw, yang tidak"
    " berubah. Cari baris kiriman di sumbernya, dengan kunci atau letak pada contoh."
)


@dataclass(frozen=True)
class Checks:
    """The checks of one dataset. expectations: the rules of its table; all other checks need a delivery."""

    contract: Contract
    key: dg.AssetKey
    expectations: Sequence[Expectation]

    @property
    def _need_delivery(self) -> tuple[str, ...]:
        return delivery_checks(self.contract)

    @cached_property
    def groups(self) -> list[Group]:
        """The checks of its table, and the rules of each."""
        own = (LOAD_CHECK, FRESH_CHECK, *self._need_delivery)
        taken = {self.key.to_python_identifier(), *(output_identifier(self.key, name) for name in own)}
        rules = [Rule(e.name, e.blocking, e.message or e.type, e.column) for e in self.expectations]
        return grouped(self.key, rules, taken)

    def specs(self) -> Iterator[dg.AssetCheckSpec]:
        """Declares the checks to Dagster."""

        def spec(name: str, description: str, *, blocking: bool = False) -> dg.AssetCheckSpec:
            return dg.AssetCheckSpec(name, asset=self.key, description=description, blocking=blocking)

        yield spec(
            LOAD_CHECK, "Pemuatan terakhir berhasil. Bila tidak, data di raw tetap seperti sebelumnya."
        )
        yield spec(SHAPE_CHECK, "Kolom sumber masih seperti pada pemuatan sebelumnya.", blocking=True)
        share = f"{self.contract.max_quarantine_share:.0%}"
        yield spec(
            QUARANTINE_CHECK,
            f"Paling banyak {share} baris sebuah kiriman boleh dikarantina.",
            blocking=True,
        )
        for name, description in warning_checks(self.contract):
            yield spec(name, description)
        if is_promised(self.contract):
            promised = ", ".join(
                f"{label.lower()} {amount}"
                for label, amount in promises(self.contract, ("frequency", "latency"))
            )
            yield spec(FRESH_CHECK, f"Data semutakhir yang dijanjikan kontrak ({promised}).")
        for group in self.groups:
            yield group.spec(self.key)

    def of_load(
        self, connection: Connection[Any], done: Ingested, *, planned: bool = True
    ) -> Iterator[dg.AssetCheckResult]:
        """Gives the results after a load: those for its rows; if it checked none, those that are still valid.

        planned: whether the run planned the checks, so that Dagster waits for a result of each. Else results that are
        still valid are not given again.
        """
        batch = done.batch
        if batch is None:
            came = bool(last_results(connection, self.contract))
            why = "tidak ada berkas di zona unggah" if came else "belum ada berkas di zona unggah"
            yield self._load_result(came, f"{why.capitalize()}.", "warn")
        else:
            why = "berkas tidak berubah"
            yield self._load_result(batch.state != "rejected", done.summary)
        yield from self._freshness(connection)
        rejected = batch is not None and batch.state in ("rejected", "waiting")
        checks: Sequence[CheckResult] = done.checks
        if planned:
            checks = checks or self._still_valid(connection, why)
        else:
            checks = [check for check in checks if not check.note]
        yield from self._results(
            connection,
            checks,
            dropped=_DROPPED if rejected else "",
        )

    def of_failure(
        self, connection: Connection[Any] | None, error: GudangError, *, planned: bool = True
    ) -> Iterator[dg.AssetCheckResult]:
        """Gives the results after a failed load: one failed check, and those that are still valid for the rows in raw.

        connection: None if the warehouse cannot be reached. planned: as for `of_load`.
        """
        yield self._load_result(False, str(error))
        if connection is None:
            return  # the other results are not known; Dagster shows these checks without a result
        yield from self._freshness(connection)
        why = "pemuatan gagal dan tidak mengubah data di raw"
        still_valid = self._still_valid(connection, why) if planned else []
        results = {result.name: result for result in still_valid}
        if isinstance(error, ShapeError):
            severity = "warn" if self.contract.evolves else "error"
            results[SHAPE_CHECK] = CheckResult(SHAPE_CHECK, severity, False, None, None, str(error))
        yield from self._results(connection, results.values())

    def by_hand(
        self, connection: Connection[Any], names: set[str], run_id: str
    ) -> Iterator[dg.AssetCheckResult]:
        """Gives results without a load: checks the table in raw; a check of a delivery gives its last result."""
        rules = {rule.name for group in self.groups if group.name in names for rule in group.rules}
        checked = check_raw(connection, self.contract, [e for e in self.expectations if e.name in rules])
        record(connection, f"raw/{self.contract.key}", run_id, None, checked)
        yield from self._results(connection, checked)
        last = last_results(connection, self.contract, refused=True)
        for name in (n for n in self._need_delivery if n in names):
            yield result_of_rule(
                self.key, delivery_result(last, name, "hanya kiriman baru yang dapat menjawabnya")
            )
        if LOAD_CHECK in names:
            yield self._last_load(connection, last)
        if FRESH_CHECK in names:
            yield from self._freshness(connection)

    def _freshness(self, connection: Connection[Any]) -> Iterator[dg.AssetCheckResult]:
        """Gives the result of the check `mutakhir`; none if the contract promises no frequency."""
        for found in freshness(connection, [self.contract]).values():
            yield dg.AssetCheckResult(**freshness_fields(found))

    def _results(
        self, connection: Connection[Any], checks: Iterable[CheckResult], *, dropped: str = ""
    ) -> Iterator[dg.AssetCheckResult]:
        """Gives a result for each check of Dagster of which a rule has one. dropped: see `result_of_group`."""
        found = {check.name: check for check in checks}
        if not found:
            return
        for name in (n for n in self._need_delivery if n in found):
            yield result_of_rule(self.key, found[name])
        windows = window_results(connection, self.contract)
        for group in self.groups:
            result = result_of_group(self.key, group, found, windows=windows, dropped=dropped)
            if result is not None:
                yield result

    def _still_valid(self, connection: Connection[Any], why: str) -> list[CheckResult]:
        return results_without_delivery(
            connection, self.contract, self.expectations, self._need_delivery, why
        )

    def _last_load(self, connection: Connection[Any], last: dict[str, LastResult]) -> dg.AssetCheckResult:
        row = connection.execute(
            "select state, error, rows_loaded, rows_in_raw from ops.load_batch"
            " where dataset = %s and state not in ('running', 'superseded')"
            " order by ops.applied_at(state, finished_at) desc, batch_id desc limit 1",
            [self.contract.key],
        ).fetchone()
        if row is None:
            return self._load_result(bool(last), "Belum pernah dimuat.", "warn")
        state, error, loaded, in_raw = row
        if state == "waiting":
            return self._load_result(True, "Kiriman terakhir menunggu persetujuan walidata.")
        if state not in ("loaded", "unchanged"):
            return self._load_result(False, error or f"Pemuatan terakhir {LOADS.get(state, (state,))[0]}.")
        held = "" if in_raw is None else f", {number(in_raw)} baris berlaku di raw"
        return self._load_result(True, f"{number(loaded)} baris dimuat pada pemuatan terakhir{held}")

    def _load_result(self, passed: bool, message: str, severity: str = "error") -> dg.AssetCheckResult:
        level = "error" if severity == "error" else "warn"
        return result_of_rule(self.key, CheckResult(LOAD_CHECK, level, passed, None, None, message))


def freshness_fields(found: Freshness) -> dict[str, Any]:
    """The result of the check `mutakhir`, as the fields that AssetCheckResult and AssetCheckEvaluation share."""
    times = {found.measured: found.arrived_at, "ditunggu_sampai": found.due}
    return {
        "asset_key": dg.AssetKey(["raw", *found.dataset.split("/")]),
        "check_name": FRESH_CHECK,
        "passed": found.is_fresh,
        "severity": dg.AssetCheckSeverity.WARN,
        "description": found.result.description,
        "metadata": {name: dg.MetadataValue.timestamp(at) for name, at in times.items() if at},
    }
