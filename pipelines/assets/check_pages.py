"""Makes Dagster's result of a check from the results of its rules: a sentence, the table of rules, SQL and samples.

Not here: which rules make a check (check_groups.py), how a rule is run (quality/).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from pipelines.assets.check_groups import Group
from pipelines.numbers import number
from pipelines.quality.raw_checks import WindowResult, days
from pipelines.quality.results import CheckResult, Sample, share_of_rows

_SHOWN_FAILURES = 3
"""How many failed rules the sentence of a check names."""
_LEVELS = {"error": "galat", "warn": "peringatan"}
_RULE_COLUMNS = {
    "aturan": "string",
    "ekspektasi": "string",
    "hasil": "string",
    "nilai terlihat": "string",
    "menyimpang": "string",
}
"""A laptop's window has room for them beside the list of checks. `nilai terlihat` is left out if no rule saw one."""
_EXPECTATION = "expect_"
"""Begins the name of most expectations."""
_WINDOW_COLUMNS = {
    "jendela": "string",
    "hasil": "string",
    "aturan gagal": "string",
    "menyimpang": "string",
    "diperiksa": "string",
}


def result_of_group(
    asset: dg.AssetKey,
    group: Group,
    results: Mapping[str, CheckResult],
    *,
    windows: Sequence[WindowResult] = (),
    dropped: str = "",
) -> dg.AssetCheckResult | None:
    """The result of a check; None if none of its rules has a result.

    results: by the names of the rules. windows: the results of the last windows, of any check. If one of them still
    fails, the check warns: it does not stop what reads this load, because that window was judged when it came.
    dropped: a sentence for the SQL if the rows that were checked are not in the table that it reads.
    """
    found = [results[rule.name] for rule in group.rules if rule.name in results]
    if not found:
        return None
    failed = [r for r in found if not r.passed]
    # Most checks are one rule that passes. A table is five times as large as the rest of such an event.
    is_short = len(found) == 1 and not failed
    metadata: dict[str, Any] = {"aturan": _in_a_line(found[0]) if is_short else rules_table(found)}
    if queries := [r for r in failed if r.query]:
        metadata["sql"] = _queries(queries, dropped)
    if samples := {rule.name: rule.sample for rule in failed if rule.sample}:
        metadata["contoh"] = sample_table(samples)
    if table := _windows(group, windows):
        metadata["jendela"] = table
    description, level = describe(found, group.column or ""), severity(failed or found)
    still = "" if failed else _still_failing(group, windows)
    if still:
        description, level = f"{still} Hasil terakhir: {description}", dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=group.name,
        passed=not failed and not still,
        severity=level,
        description=description,
        metadata=metadata,
    )


def result_of_rule(asset: dg.AssetKey, result: CheckResult) -> dg.AssetCheckResult:
    """The result of a check that is one rule and about no rows of a table, for example `karantina`."""
    counts = {"baris_menyimpang": result.unexpected, "baris": result.total}
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=result.name,
        passed=result.passed,
        severity=severity([result]),
        description=result.description,
        metadata={name: n for name, n in counts.items() if n is not None},
    )


def severity(results: Iterable[CheckResult]) -> dg.AssetCheckSeverity:
    """ERROR if one of the results is an error, else WARN."""
    error = any(r.severity == "error" for r in results)
    return dg.AssetCheckSeverity.ERROR if error else dg.AssetCheckSeverity.WARN


def describe(results: Sequence[CheckResult], column: str = "") -> str:
    """One or two sentences: what was seen, which rules failed and what to do. column: all rules are about it."""
    failed = sorted((r for r in results if not r.passed), key=lambda r: r.severity)
    note = next((r.note for r in results if r.note), "")
    if not failed:
        if not column:
            text = results[0].message
        else:
            rows = next((r.total for r in results if r.total is not None), None)
            text = f"{len(results)} aturan lulus" + ("" if rows is None else f", {number(rows)} baris")
        return f"{text} ({note})" if note else text
    if column:
        messages = [f"{r.name}: {r.message.removeprefix(f'{column}: ')}" for r in failed[:_SHOWN_FAILURES]]
        if more := len(failed) - len(messages):
            messages.append(f"{more} lainnya ada di tabel aturan")
        text = f"{len(failed)} dari {len(results)} aturan gagal: {'; '.join(messages)}."
    else:
        text = failed[0].message
    if any(r.sample for r in failed):
        text += " Contoh baris dan SQL yang mencarinya ada di bawah."
    elif any(r.query for r in failed):
        text += " SQL yang mencari barisnya ada di bawah."
    return f"{text} ({note})" if note else text


def rules_table(results: Iterable[CheckResult]) -> dg.TableMetadataValue:
    """The table of all rules of a check."""
    rows = [
        {
            "aturan": r.name,
            "ekspektasi": r.expectation.removeprefix(_EXPECTATION),
            "hasil": f"{'lulus' if r.passed else 'gagal'} ({_LEVELS[r.severity]})",
            "nilai terlihat": r.observed,
            "menyimpang": "" if r.unexpected is None else share_of_rows(r.unexpected, r.total),
        }
        for r in results
    ]
    return _table(
        {n: t for n, t in _RULE_COLUMNS.items() if n != "nilai terlihat" or any(r[n] for r in rows)}, rows
    )


def _in_a_line(rule: CheckResult) -> str:
    """A rule that passed, with all that its row of the table would say."""
    kind = f"{rule.expectation}, " if rule.expectation else ""
    return f"{rule.name} ({kind}{_LEVELS[rule.severity]}): {rule.message}"


def sample_table(samples: Mapping[str, Sample]) -> dg.TableMetadataValue:
    """The table of some rows that deviate. samples: by rule; if there are several, a column names the rule."""
    columns = [
        *(["aturan gagal"] if len(samples) > 1 else []),
        *(c for s in samples.values() for c in s.columns),
    ]
    rows = [
        {"aturan gagal": rule, **dict(zip(sample.columns, row, strict=True))}
        for rule, sample in samples.items()
        for row in sample.rows
    ]
    return _table(dict.fromkeys(columns, "string"), rows)


def _queries(failed: Sequence[CheckResult], dropped: str) -> dg.MarkdownMetadataValue:
    parts = [dropped] if dropped else []
    parts += [f"{r.name}:\n```sql\n{r.query}\n```" for r in failed]
    return dg.MetadataValue.md("\n\n".join(parts))


def _still_failing(group: Group, windows: Sequence[WindowResult]) -> str:
    """Which windows still fail, and what to do; "" for none."""
    names = {rule.name for rule in group.rules}
    found = [f"{days(w.start, w.end)} ({w.name})" for w in windows if w.stands and w.name in names]
    if not found:
        return ""
    listed = ", ".join(found[:_SHOWN_FAILURES])
    if more := len(found) - _SHOWN_FAILURES:
        listed += f" dan {more} lainnya" if more > 0 else ""
    return f"Jendela yang masih gagal: {listed}. Perbaiki di sumbernya, lalu muat jendela itu lagi."


def _windows(group: Group, results: Sequence[WindowResult]) -> dg.TableMetadataValue | None:
    names = {rule.name for rule in group.rules}
    by_window: dict[tuple[Any, Any], list[WindowResult]] = {}
    for r in results:
        if r.name in names:
            by_window.setdefault((r.start, r.end), []).append(r)
    if not by_window:
        return None
    rows: list[dict[str, Any]] = []
    for (start, end), found in by_window.items():
        failed = [r for r in found if not r.passed]
        counts = [r.unexpected for r in failed if r.unexpected is not None]
        deviating = max(counts, default=None if failed else 0)
        total = next((r.total for r in found if r.total is not None), None)
        rows.append(
            {
                "jendela": days(start, end),
                "hasil": "gagal" if failed else "lulus",
                "aturan gagal": ", ".join(r.name for r in failed),
                "menyimpang": "" if deviating is None else share_of_rows(deviating, total),
                "diperiksa": f"{max(r.at for r in found):%Y-%m-%d %H:%M}",
            }
        )
    return _table(_WINDOW_COLUMNS, rows)


def _table(columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """The table of these columns, by name with type. A row without one of them has an empty cell there."""
    return dg.MetadataValue.table(
        [dg.TableRecord({name: row.get(name, "") for name in columns}) for row in rows],
        schema=dg.TableSchema([dg.TableColumn(name, type_) for name, type_ in columns.items()]),
    )
