"""Manages the keys of pseudonyms, and knows how those in raw were made.

What belongs here: finding the key of a purpose, checking that raw was made with the same key for the same purpose. Not
here: computing a pseudonym (ops.pseudonim, in SQL), the values behind them (originals.py).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract, WriteDisposition
from pipelines.errors import ContractError, GudangError, LoadError
from pipelines.load.plan import RAW_SHAPE, LoadPlan
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


@dataclass(frozen=True, slots=True)
class _Made:
    """The purpose for which a column's pseudonyms were made, and the fingerprint of the key that made them."""

    purpose: str
    fingerprint: str | None


def require_keys(connection: Connection[Any], plan: LoadPlan) -> None:
    """Checks that values that stay in raw were made as this load makes them: with the same key, for the same purpose.

    Raises ContractError if the key is another one, and LoadError if a column was plain, is plain now, or has another
    purpose.
    """
    contract = plan.contract
    replaces = contract.disposition is WriteDisposition.REPLACE and contract.partition is None
    if (plan.full_refresh or replaces) and not contract.keeps_history:
        return
    of_load = _fingerprints_of(plan)
    made, unclear = _made(connection, contract)
    shape = connection.execute(RAW_SHAPE, [plan.raw.as_string(connection)]).fetchall()
    there = {name for name, _ in shape}
    for column in contract.stored:
        if column.name not in there:
            continue
        purpose = column.pseudonymise
        now = _Made(purpose, of_load.get(purpose)) if purpose else None
        before = made.get(column.name)
        if before is None and purpose in unclear and not _has(connection, plan, column, _PLAIN):
            before = _Made(purpose, unclear[purpose])
        if before != now and _has(connection, plan, column, _ANY):
            raise _mixed(contract, column, before, now)


_ANY = sql.SQL("{} is not null")
_PLAIN = sql.SQL("{} !~ '^[0-9a-f]{{64}}$'")
"""The condition on a text that it is no pseudonym, as ops.pseudonim makes them."""


def _has(connection: Connection[Any], plan: LoadPlan, column: Column, condition: sql.SQL) -> bool:
    """Whether raw has a value of the column for which the condition holds."""
    text = sql.SQL("{}::text").format(sql.Identifier(column.name))
    query = sql.SQL("select exists (select from {} where {})").format(plan.raw, condition.format(text))
    return connection.execute(query).fetchone() == (True,)


def _made(connection: Connection[Any], contract: Contract) -> tuple[dict[str, _Made], dict[str, str]]:
    """How each column of raw was made; and, by purpose, the fingerprints that were noted without their columns."""
    rows = connection.execute(
        "select purpose, fingerprint, column_names from ops.pseudonym_key where dataset = %s", [contract.key]
    ).fetchall()
    made = {name: _Made(purpose, mark) for purpose, mark, names in rows for name in names or ()}
    return made, {purpose: mark for purpose, mark, names in rows if names is None}


def _mixed(contract: Contract, column: Column, before: _Made | None, now: _Made | None) -> GudangError:
    """The error that new values of a column do not go with those that stay in raw."""
    reload = f"muat ulang penuh: `gudang reload {contract.key}`"
    if contract.keeps_history:
        reload = "akhiri dataset ini dan mulai yang baru, karena versi lamanya tidak dapat disamarkan ulang"
    elif contract.appends:
        reload += " (hanya baris yang masih ada di sumber yang tersimpan)"
    if before and now and before.purpose == now.purpose:
        return ContractError(
            contract.key,
            f"kunci pseudonim untuk {now.purpose} bukan lagi yang dipakai untuk baris di raw: satu orang akan menjadi"
            " dua",
            hint=f"pasang lagi kunci yang lama, atau {reload}",
            code="GDK-K021",
        )
    if before and now:
        fault = (
            f"kini disamarkan untuk {now.purpose}, sedangkan baris yang tetap di raw disamarkan untuk"
            f" {before.purpose}: satu orang akan menjadi dua"
        )
    elif now:
        fault = f"kini disamarkan untuk {now.purpose}, sedangkan baris yang tetap di raw memuat nilai aslinya"
    else:
        fault = "tidak lagi disamarkan, sedangkan baris yang tetap di raw memuat pseudonimnya"
    return LoadError(
        contract.key,
        f"kolom {column.name} {fault}",
        hint=f"kembalikan penyamarannya di kontrak, atau {reload}",
        code="GDK-M008",
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
    """Records with which keys, and in which columns, the pseudonyms in raw were made; forgets those that are gone.

    `require_keys` has passed, so no column of raw has values that were made otherwise.
    """
    contract = plan.contract
    marks = _fingerprints_of(plan)
    connection.execute(
        "delete from ops.pseudonym_key where dataset = %s and purpose <> all(%s::text[])",
        [contract.key, [*marks]],
    )
    for purpose, mark in marks.items():
        names = sorted(c.name for c in contract.stored if c.pseudonymise == purpose)
        connection.execute(
            "insert into ops.pseudonym_key as k (dataset, purpose, fingerprint, column_names) values (%s, %s, %s, %s)"
            " on conflict (dataset, purpose) do update set fingerprint = excluded.fingerprint,"
            " column_names = excluded.column_names,"
            " since = case when k.fingerprint = excluded.fingerprint then k.since else clock_timestamp() end"
            " where (k.fingerprint, k.column_names) is distinct from (excluded.fingerprint, excluded.column_names)",
            [contract.key, purpose, mark, names],
        )


def _fingerprints_of(plan: LoadPlan) -> Mapping[str, str]:
    """The fingerprints of the keys with which the load's pseudonyms were made, by purpose."""
    return plan.held.fingerprints if plan.held else fingerprints(plan.contract)


def _fingerprint(subject: str, purpose: str) -> str:
    """A hash by which two keys can be distinguished, but from which no key can be found."""
    key = pseudonym_key(subject, purpose)
    return hmac.new(key, b"gudang: fingerprint of this key", hashlib.sha256).hexdigest()[:16]


def _pads(key: bytes) -> dict[str, bytes]:
    """The key XOR'd with HMAC's inner and outer pad, 64 bytes each (RFC 2104, section 2)."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return {"ipad": bytes(b ^ 0x36 for b in block), "opad": bytes(b ^ 0x5C for b in block)}
