"""Lets the failure of a run name every cause, and not only that of the first step that failed.

What belongs here: the text, and the event that Dagster makes the run's failure of. Not here: the text of a step, which
names each of its datasets or models (assets/).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import dagster as dg

# The error of an event has no public name in Dagster.
from dagster_shared.error import SerializableErrorInfo


def causes(failures: Sequence[dg.DagsterEvent]) -> str:
    """The causes of failed steps, one a line.

    Of an error that is not ours only its class is named, because its message may hold a value of a row.
    """
    lines = [line for failure in failures for line in _lines(failure)]
    return "\n".join([f"{len(lines)} kegagalan:", *(f"- {line}" for line in lines)])


def _lines(failure: dg.DagsterEvent) -> list[str]:
    data = failure.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description.splitlines()
    error = data.error
    while error and error.cause:
        error = error.cause
    return [f"{failure.step_key}: {(error and error.cls_name) or 'gagal'}; rinciannya pada langkah itu"]


def with_all_causes(events: Iterable[dg.DagsterEvent]) -> Iterator[dg.DagsterEvent]:
    """Gives the events of an executor, those of failed steps last, the first of them with the causes of all.

    Dagster shows the error of the first failed step as the run's. The events of the steps themselves are stored
    before, and stay as they are. The text takes the place of the stack trace.
    """
    failures: list[dg.DagsterEvent] = []
    for event in events:
        if event.is_step_failure:
            failures.append(event)
        else:
            yield event
    if failures:
        error = SerializableErrorInfo(causes(failures), stack=[], cls_name=None)
        data = failures[0].step_failure_data._replace(error=error)
        yield failures[0]._replace(event_specific_data=data)
        yield from failures[1:]
