"""Lets the failure of a step say its causes without a stack trace, and the failure of a run those of all its steps.

What belongs here: the error of a step, and the event that Dagster makes the run's failure of. Not here: the text of a
step, which names each of its datasets or models (assets/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

import dagster as dg

# The error that Dagster stores as it is given, and its content, have no public name.
from dagster._core.errors import DagsterUserCodeProcessError
from dagster_shared.error import SerializableErrorInfo

from pipelines.errors import GudangError

P = ParamSpec("P")
Event = TypeVar("Event")


class StepError(DagsterUserCodeProcessError, dg.Failure):
    """The failure of a step whose causes are known: a line for each. It is not tried again.

    Dagster shows the stack trace of a `dg.Failure` above its text. Of a DagsterUserCodeProcessError it shows what that
    error carries, which here is the text alone.
    """

    def __init__(self, causes: str) -> None:
        shown = SerializableErrorInfo(causes, stack=[], cls_name=None)
        super().__init__(causes, user_code_process_error_infos=[shown])
        self.allow_retries = False


def says_its_cause(step: Callable[P, Iterator[Event]]) -> Callable[P, Iterator[Event]]:
    """Lets a step that fails by one of our errors fail by its text. Any other error is a fault, and keeps its trace."""

    @wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> Iterator[Event]:
        try:
            yield from step(*args, **kwargs)
        except GudangError as error:
            raise StepError(str(error)) from None

    return run


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
    before, and stay as they are.
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
