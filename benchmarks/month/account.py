"""What became of every file, by the ledger and by the rows in raw.

What belongs here: comparing what was put with what the warehouse says. Not here: the files (files.py), sizes and times
(measure.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.month.files import DATASETS, OPD, Put

Seen = Sequence[tuple[Any, ...]]
"""Rows of ops.upload_seen in their order: dataset, name, sha256, outcome."""
SEEN = """
select s.dataset, s.name, s.sha256, coalesce(s.outcome, case when exists (
    select from ops.load_batch as l
    where l.dataset = s.dataset and l.source_name = s.name and l.state = 'loaded'
        and split_part(l.source_fingerprint, ':', 1) = s.sha256
) then 'loaded' end)
from ops.upload_seen as s order by s.seen_id
"""
"""A run or a server that dies just after a load was applied leaves the file without an outcome."""

FINE = {
    "loaded": {"loaded", "unchanged", "replaced"},
    "refused": {"rejected", "failed", "replaced"},
    "judged": {"loaded", "unchanged", "rejected", "failed", "replaced"},
    "left": {"left"},
}
"""What a file has to become, and the states that count as that. A file whose place another one took is `replaced`."""


@dataclass
class Account:
    """The files by what became of them, and what is wrong.

    states: by kind of file, how many ended in each state. faults: sentences, none if all is well.
    """

    states: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    faults: list[str] = field(default_factory=list[str])


def account(
    puts: Sequence[Put], seen: Seen, left: Mapping[str, str], raw: Mapping[str, Sequence[tuple[int, str]]]
) -> Account:
    """Accounts for every file.

    left: the place of each file that nobody takes, and the reason. raw: the rows of each dataset, as `id` and
    `penanda`.
    """
    result = Account()
    outcomes: dict[tuple[Any, ...], str | None] = {}
    for dataset, name, sha, outcome in seen:
        outcomes[dataset, name, sha] = outcome or outcomes.get((dataset, name, sha))
    newest_put = {(p.dataset, p.name): p for p in sorted(puts, key=lambda p: p.at)}
    last_of_dataset = {p.dataset: p for p in sorted(puts, key=lambda p: p.at) if p.expected != "left"}
    in_force = _loaded_bytes(seen)
    contested = _contested(puts)
    won: set[tuple[str, tuple[int, ...]]] = set()
    for put in puts:
        if (put.dataset, put.sha256) in in_force:
            outcomes[put.dataset, put.name, put.sha256] = "loaded"
        state = _state(put, outcomes, left, newest_put, last_of_dataset)
        if (put.dataset, put.ids) in contested:
            if state == "failed":
                state = "replaced"
            elif state in ("loaded", "unchanged"):
                won.add((put.dataset, put.ids))
        result.states[put.kind][state] += 1
        if state not in FINE[put.expected]:
            result.faults.append(f"{put.dataset}/{put.name} ({put.kind}, file {put.number}) is {state}")
    result.faults += [
        f"{dataset}: no file with the keys from {ids[0]} is loaded" for dataset, ids in contested - won
    ]
    for dataset, rows in raw.items():
        result.faults += _rows(f"{OPD}/{dataset}", rows, puts)
    return result


def waiting(puts: Sequence[Put], seen: Seen) -> list[str]:
    """The files that are in their place and that no load has judged yet; only the newest where files replace others."""
    newest = {(dataset, name): (sha, judged) for dataset, name, sha, judged in seen}
    outcome = {(*file, sha): judged for file, (sha, judged) in newest.items()}
    in_force = _loaded_bytes(seen)
    last = {(p.dataset, p.name): p for p in sorted(puts, key=lambda p: p.at) if p.expected != "left"}
    due = [
        p
        for p in last.values()
        if outcome.get((p.dataset, p.name, p.sha256)) is None and (p.dataset, p.sha256) not in in_force
    ]
    final = {p.dataset: p for p in sorted(last.values(), key=lambda p: p.at)}
    return [f"{p.dataset}/{p.name}" for p in due if not _replaces(p.dataset) or final[p.dataset] is p]


def _contested(puts: Sequence[Put]) -> set[tuple[str, tuple[int, ...]]]:
    """Dataset and keys that files of several names bring with other rows: the copy of a file that was corrected.

    Only one of them can be in raw, and the load of the other is refused. Files that replace each other are left out:
    of them only the newest is in raw, whatever its keys are.
    """
    names: dict[tuple[str, tuple[int, ...]], set[str]] = defaultdict(set)
    contents: dict[tuple[str, tuple[int, ...]], set[str]] = defaultdict(set)
    for put in puts:
        if _replaces(put.dataset):
            continue
        names[put.dataset, put.ids].add(put.name)
        contents[put.dataset, put.ids].add(put.sha256)
    return {keys for keys, found in names.items() if len(found) > 1 and len(contents[keys]) > 1}


def _loaded_bytes(seen: Seen) -> set[tuple[str, str]]:
    """Dataset and SHA-256 of what was loaded. The same bytes under another name have nothing to be loaded."""
    return {(dataset, sha) for dataset, _, sha, outcome in seen if outcome in ("loaded", "unchanged")}


def _replaces(dataset: str) -> bool:
    return DATASETS[dataset.removeprefix(f"{OPD}/")][0] == "replace"


def _state(
    put: Put,
    outcomes: Mapping[tuple[Any, ...], str | None],
    left: Mapping[str, str],
    newest_put: Mapping[tuple[str, str], Put],
    last_of_dataset: Mapping[str, Put],
) -> str:
    """What became of a file: the outcome of its load, `left`, `replaced`, `waiting` or `lost`."""
    if any(place.startswith(f"{put.dataset}/{put.name}") for place in left):
        return "left"
    file = (put.dataset, put.name, put.sha256)
    if outcome := outcomes.get(file):
        return outcome
    if newest_put[put.dataset, put.name].sha256 != put.sha256:
        return "replaced"
    if put.expected != "left" and _replaces(put.dataset) and last_of_dataset[put.dataset] is not put:
        return "replaced"
    return "waiting" if file in outcomes else "lost"


def _rows(key: str, raw: Sequence[tuple[int, str]], puts: Sequence[Put]) -> list[str]:
    """What is wrong with the rows of a dataset: rows that miss, stand twice or are of another file."""
    found = Counter(row[0] for row in raw)
    faults = [f"{key}: id {i} stands {n} times" for i, n in found.items() if n > 1][:5]
    mark = dict(raw)
    own = sorted((p for p in puts if p.dataset == key and p.expected == "loaded"), key=lambda p: p.at)
    if _replaces(key):
        marks = {row[1] for row in raw}
        if len(marks) > 1:
            faults.append(f"{key}: rows of {len(marks)} files, and only the newest replaces all")
        return faults
    # The newest file with a key decides. Where the same bytes also lie under another name, an older one may stand.
    expected: dict[int, set[str]] = defaultdict(set)
    copied = {i for put in own if put.kind == "same_bytes" for i in put.ids}
    for put in own:
        for i in put.ids:
            expected[i] = expected[i] | {put.mark} if i in copied else {put.mark}
    lost = [i for i in expected if i not in found]
    other = [i for i, allowed in expected.items() if i in mark and mark[i] not in allowed]
    if lost:
        faults.append(f"{key}: {len(lost)} rows of good files are not in raw, the first {lost[0]}")
    if other:
        faults.append(
            f"{key}: {len(other)} rows are of an older file, the first {other[0]}: {mark[other[0]]}"
        )
    return faults
