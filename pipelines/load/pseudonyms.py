"""Manages the keys of pseudonyms, and the original values of personal columns that the law allows us to keep.

What belongs here: finding the key of a purpose, checking that raw was made with the same key, schema `pribadi`. Not
here: computing a pseudonym (ops.pseudonim, in SQL).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Connection, errors, sql

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract, WriteDisposition
from pipelines.errors import ContractError, LoadError
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.cells import pseudonym
from pipelines.load.stage.statement import cleaned_rows, valid
from pipelines.settings import PSEUDONYM_KEY
from pipelines.warehouse.roles import PERSONAL

SHORTEST_KEY = 32
"""The least number of characters of a key."""
ORIGINALS = "pribadi"


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


# -- originals -----------------------------------------------------------------------------------------------


def _retained_columns(contract: Contract) -> list[Column]:
    """The columns whose original values are kept."""
    return [c for c in contract.stored if c.retain_original]


def _originals(plan: LoadPlan) -> sql.Identifier:
    return sql.Identifier(ORIGINALS, plan.contract.table)


def prepare_originals(connection: Connection[Any], contracts: Iterable[Contract]) -> None:
    """Makes schema and role for original values, if a contract keeps some. Only the role may read the schema.

    Raises LoadError if the role can't be created.
    """
    if not any(_retained_columns(c) for c in contracts):
        return
    try:
        with connection.transaction():
            if not connection.execute(
                "select 1 from pg_catalog.pg_roles where rolname = %s", [PERSONAL]
            ).fetchone():
                connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(PERSONAL)))
            connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(ORIGINALS)))
            connection.execute(
                sql.SQL("revoke all on schema {} from public").format(sql.Identifier(ORIGINALS))
            )
            connection.execute(
                sql.SQL("grant usage on schema {} to {}").format(
                    sql.Identifier(ORIGINALS), sql.Identifier(PERSONAL)
                )
            )
    except errors.InsufficientPrivilege:
        raise LoadError(
            "warehouse",
            f"ada kontrak yang menyimpan nilai asli kolom pribadi, tetapi role {PERSONAL} tidak dapat dibuat",
            hint=f"minta administrator menjalankan: create role {PERSONAL} nologin",
            code="GDK-M010",
        ) from None


def keep_originals(connection: Connection[Any], plan: LoadPlan) -> None:
    """Stores the original value of each pseudonym of this load, and deletes those of pseudonyms that raw no longer has.

    It runs in the transaction that applies the load, while the rows are in landing, or their originals are held.
    """
    retained = _retained_columns(plan.contract)
    if not retained:
        return
    table = _create_originals(connection, _originals(plan))
    if plan.held:
        held = _held_originals(plan)
        connection.execute(
            sql.SQL("insert into {} select * from {} on conflict do nothing").format(table, held)
        )
        connection.execute(drop_held_originals(plan))
    else:
        _insert_originals(connection, plan, table)
    drop_unused_originals(connection, plan)


def hold_originals(connection: Connection[Any], plan: LoadPlan) -> None:
    """Stores the original values of a load that waits for approval in a table of its own, readable as the others."""
    if _retained_columns(plan.contract):
        _insert_originals(connection, plan, _create_originals(connection, _held_originals(plan)))


def drop_held_originals(plan: LoadPlan) -> sql.Composed:
    """Drops the original values that `hold_originals` has stored."""
    return sql.SQL("drop table if exists {}").format(_held_originals(plan))


def _held_originals(plan: LoadPlan) -> sql.Identifier:
    return sql.Identifier(ORIGINALS, f"{plan.contract.table[:40]}__{plan.batch_id}_menunggu")


def _create_originals(connection: Connection[Any], table: sql.Identifier) -> sql.Identifier:
    connection.execute(
        sql.SQL(
            "create table if not exists {} (kolom text, pseudonim text, asli text not null,"
            " batch_id bigint not null, primary key (kolom, pseudonim))"
        ).format(table)
    )
    connection.execute(sql.SQL("grant select, delete on {} to {}").format(table, sql.Identifier(PERSONAL)))
    return table


def _insert_originals(connection: Connection[Any], plan: LoadPlan, table: sql.Identifier) -> None:
    for column in _retained_columns(plan.contract):
        cell, name = sql.Identifier("b", column.name), sql.Literal(column.name)
        assert column.pseudonymise is not None
        connection.execute(
            sql.SQL(
                "insert into {table} select distinct {name}, {pseudonym}, {cell}, {batch}::bigint"
                " from {rows} where {cell} is not null and {valid} on conflict do nothing"
            ).format(
                table=table,
                name=name,
                cell=cell,
                pseudonym=pseudonym(cell, column.pseudonymise),
                batch=sql.Literal(plan.batch_id),
                rows=cleaned_rows(plan),
                valid=valid(plan),
            )
        )


def drop_unused_originals(connection: Connection[Any], plan: LoadPlan) -> None:
    """Deletes the original values of pseudonyms that raw no longer has."""
    for column in _retained_columns(plan.contract):
        connection.execute(
            sql.SQL(
                "delete from {} o where kolom = {} and not exists (select from {} r where r.{} = o.pseudonim)"
            ).format(_originals(plan), sql.Literal(column.name), plan.raw, sql.Identifier(column.name))
        )
