"""Manages the keys of pseudonyms.

What belongs here: finding the key of a purpose, checking that raw was made with the same key. Not here: computing a
pseudonym (ops.pseudonim, in SQL), the values behind them (originals.py).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract, WriteDisposition
from pipelines.errors import ContractError
from pipelines.load.plan import LoadPlan
from pipelines.settings import PSEUDONYM_KEY

SHORTEST_KEY = 32
"""The least number of characters of a key."""


def purposes(contract: Contract) -> tuple[str, ...]:
    """The purposes for which the contract's columns are pseudonymised. Each may have a separate key."""
    return tuple(sorted({c.pseudonymise for c in contract.stored if c.pseudonymise}))


def key_variable(purpose: str) -> str:
    """The environment variable for the key of one purpose."""
    return f"{PSEUDONYM_KEY}_{purpose.upper()}"


def pseudonym_key(subject: str, purpose: str, env: Mapping[str, str] = os.environ) -> bytes:
    """The key of the purpose, or else the common key. Raises ContractError if neither is set, or it is too short."""
    own = key_variable(purpose)
    name = own if env.get(own) else PSEUDONYM_KEY
    key = env.get(name, "")
    if len(key) < SHORTEST_KEY:
        fault = (
            f"{name} lebih pendek dari {SHORTEST_KEY} karakter" if key else f"{own} maupun {name} belum diisi"
        )
        raise ContractError(
            subject,
            f"{fault}, padahal kolom pribadi untuk {purpose} memerlukannya",
            hint=f"isi {own} atau {PSEUDONYM_KEY} dengan rahasia paling sedikit {SHORTEST_KEY} karakter; simpan di luar"
            " gudang data",
            code="GDK-K021",
        )
    return key.encode()


def set_keys(connection: Connection[Any], contract: Contract) -> None:
    """Puts the contract's keys into the session. Raises ContractError if one is missing.

    They are sent by COPY, because a server never logs its data. It may log the text and parameters of a statement.
    """
    pads = [
        (f"gudang.{pad}_{purpose}", value.hex())
        for purpose in purposes(contract)
        for pad, value in _pads(pseudonym_key(contract.key, purpose)).items()
    ]
    if not pads:
        return
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("create temporary table kunci (nama text, nilai text) on commit drop")
        with cursor.copy("copy pg_temp.kunci from stdin") as copy:
            for pad in pads:
                copy.write_row(pad)
        cursor.execute("select count(set_config(nama, nilai, false)) from pg_temp.kunci")


def require_keys(connection: Connection[Any], plan: LoadPlan) -> None:
    """Raises ContractError if rows that stay in raw were made with another key than those of this load."""
    contract = plan.contract
    of_load = plan.held.fingerprints if plan.held else fingerprints(contract)
    known = dict(
        connection.execute(
            "select purpose, fingerprint from ops.pseudonym_key where dataset = %s", [contract.key]
        ).fetchall()
    )
    replaces = contract.disposition is WriteDisposition.REPLACE and contract.partition is None
    replaced = (plan.full_refresh or replaces) and not contract.keeps_history
    for purpose in purposes(contract):
        if known.get(purpose, "") not in ("", of_load.get(purpose)) and not replaced:
            raise ContractError(
                contract.key,
                f"kunci pseudonim untuk {purpose} bukan lagi yang dipakai untuk baris di raw: satu orang akan menjadi"
                " dua",
                hint=f"pasang lagi kunci yang lama, atau muat ulang penuh: `gudang reload {contract.key}`",
                code="GDK-K021",
            )


def made_with_other_keys(connection: Connection[Any]) -> list[tuple[str, str]]:
    """Datasets and purposes whose pseudonyms in raw were made with another key than today's, or whose key is missing.

    For a warehouse that was restored; a load finds out by itself (`require_keys`).
    """
    found: list[tuple[str, str]] = []
    rows = connection.execute(
        "select dataset, purpose, fingerprint from ops.pseudonym_key order by dataset, purpose"
    ).fetchall()
    for dataset, purpose, fingerprint in rows:
        try:
            same = fingerprint == _fingerprint(dataset, purpose)
        except ContractError:
            same = False
        if not same:
            found.append((dataset, purpose))
    return found


def fingerprints(contract: Contract) -> dict[str, str]:
    """The fingerprints of today's keys, by purpose."""
    return {purpose: _fingerprint(contract.key, purpose) for purpose in purposes(contract)}


def keep_fingerprints(connection: Connection[Any], plan: LoadPlan) -> None:
    """Records the fingerprints of the keys with which the pseudonyms in raw were made."""
    contract = plan.contract
    for purpose, mark in (plan.held.fingerprints if plan.held else fingerprints(contract)).items():
        connection.execute(
            "insert into ops.pseudonym_key (dataset, purpose, fingerprint) values (%s, %s, %s) on conflict"
            " (dataset, purpose) do update set fingerprint = excluded.fingerprint, since = clock_timestamp()"
            " where pseudonym_key.fingerprint <> excluded.fingerprint",
            [contract.key, purpose, mark],
        )


def _fingerprint(subject: str, purpose: str) -> str:
    """A hash by which two keys can be distinguished, but from which no key can be found."""
    key = pseudonym_key(subject, purpose)
    return hmac.new(key, b"gudang: fingerprint of this key", hashlib.sha256).hexdigest()[:16]


def _pads(key: bytes) -> dict[str, bytes]:
    """The key XOR'd with HMAC's inner and outer pad, 64 bytes each (RFC 2104, section 2)."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return {"ipad": bytes(b ^ 0x36 for b in block), "opad": bytes(b ^ 0x5C for b in block)}
