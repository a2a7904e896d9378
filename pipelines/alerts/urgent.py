"""Finds what can't wait for the morning: a published mart that a check blocks, a missing key, a disk that is full."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.alerts.of_ledger import blocked_marts
from pipelines.alerts.problem import DISK_LOW, KEY_MISSING, Problem
from pipelines.contracts.model import Contract
from pipelines.errors import ContractError
from pipelines.health.disks import disks, places
from pipelines.health.limits import CRITICAL, Limits
from pipelines.load.pseudonyms import key_variable, pseudonym_key, purposes
from pipelines.publication.indonesian import day
from pipelines.settings import Settings


def urgent_problems(
    connection: Connection[Any],
    settings: Settings,
    contracts: Sequence[Contract],
    limits: Limits,
    now: datetime,
    env: Mapping[str, str] = os.environ,
) -> list[Problem]:
    """All problems of the urgent kinds that there are now."""
    return [
        *blocked_marts(connection, now),
        *missing_keys(contracts, now, env),
        *low_disks(places(settings, connection), limits, now),
    ]


def missing_keys(contracts: Sequence[Contract], now: datetime, env: Mapping[str, str]) -> list[Problem]:
    """The keys of pseudonyms that a contract needs and `env` does not have, one problem per purpose."""
    found: dict[str, Problem] = {}
    for contract in contracts:
        for purpose in purposes(contract):
            try:
                pseudonym_key(contract.key, purpose, env)
            except ContractError as error:
                name = key_variable(purpose)
                message = f"{error.message}; pemuatan {contract.key} dan yang lain berhenti ({error.hint})"
                found.setdefault(name, Problem(KEY_MISSING, name, message, day(now)))
    return list(found.values())


def low_disks(of: Sequence[tuple[str, Path]], limits: Limits, now: datetime) -> list[Problem]:
    """The disks whose free share is not above the critical limit."""
    return [
        Problem(DISK_LOW, str(disk.place), f"{disk.seen}; kosongkan atau perbesar", day(now))
        for disk in disks(of)
        if limits.disk_percent.state(disk.share * 100) == CRITICAL
    ]
