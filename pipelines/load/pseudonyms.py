"""Personal columns: keys of their pseudonyms, and the originals that the law lets us keep.

What belongs here: which key a purpose has, whether it is still the one that raw was made with, schema `pribadi`.
Not here: the pseudonym itself (ops.pseudonim, in SQL).
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
from pipelines.load.stage.statement import cleaned_rows, valid
from pipelines.settings import PSEUDONYM_KEY

SHORTEST_KEY = 32
ORIGINALS = "pribadi"
ORIGINALS_ROLE = "gudang_pribadi"


def purposes(contract: Contract) -> tuple[str, ...]:
    return tuple(sorted({c.pseudonymise for c in contract.stored if c.pseudonymise}))


def key_variable(purpose: str) -> str:
    return f"{PSEUDONYM_KEY}_{purpose.upper()}"


def pseudonym_key(subject: str, purpose: str, env: Mapping[str, str] = os.environ) -> bytes:
    """The purpose's own key, else the common one. Raises ContractError where there is none, or a short one."""
    own = key_variable(purpose)
    name = own if env.get(own) else PSEUDONYM_KEY
    key = env.get(name, "")
    if len(key) < SHORTEST_KEY:
        state = (
            f"{name} is shorter than {SHORTEST_KEY} characters" if key else f"neither {own} nor {name} is set"
        )
        raise ContractError(
            subject,
            f"{state}, and the personal columns for {purpose} need it",
            hint=f"set {own} or {PSEUDONYM_KEY} to a secret of at least {SHORTEST_KEY} characters; keep it outside"
            " the warehouse",
        )
    return key.encode()


def set_keys(connection: Connection[Any], contract: Contract) -> None:
    """Puts the keys into the session. Raises ContractError where one is missing.

    By COPY, whose data no server logs: neither a statement's text nor a parameter ever holds a key.
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
    """Raises ContractError where a key is no longer the one that rows which stay in raw were made with."""
    contract = plan.contract
    known = dict(
        connection.execute(
            "select purpose, fingerprint from ops.pseudonym_key where dataset = %s", [contract.key]
        ).fetchall()
    )
    replaces = contract.disposition is WriteDisposition.REPLACE and plan.window is None
    replaced = (plan.full_refresh or replaces) and not contract.keeps_history
    for purpose in purposes(contract):
        if known.get(purpose, "") not in ("", _fingerprint(contract.key, purpose)) and not replaced:
            raise ContractError(
                contract.key,
                f"the pseudonym key for {purpose} is another than the one its rows were made with: the same person"
                " would be two",
                hint=f"set the old key again, or load it whole: `gudang reload {contract.key}`",
            )


def keep_fingerprints(connection: Connection[Any], contract: Contract) -> None:
    for purpose in purposes(contract):
        connection.execute(
            "insert into ops.pseudonym_key (dataset, purpose, fingerprint) values (%s, %s, %s) on conflict"
            " (dataset, purpose) do update set fingerprint = excluded.fingerprint, since = clock_timestamp()"
            " where pseudonym_key.fingerprint <> excluded.fingerprint",
            [contract.key, purpose, _fingerprint(contract.key, purpose)],
        )


def _fingerprint(subject: str, purpose: str) -> str:
    """Tells two keys apart and gives neither away."""
    key = pseudonym_key(subject, purpose)
    return hmac.new(key, b"gudang: fingerprint of this key", hashlib.sha256).hexdigest()[:16]


def _pads(key: bytes) -> dict[str, bytes]:
    """The key XOR'd with HMAC's inner and outer pad, 64 bytes each (RFC 2104, section 2)."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return {"ipad": bytes(b ^ 0x36 for b in block), "opad": bytes(b ^ 0x5C for b in block)}


# -- originals -----------------------------------------------------------------------------------------------


def _retained(contract: Contract) -> list[Column]:
    return [c for c in contract.stored if c.retain_original]


def _originals(plan: LoadPlan) -> sql.Identifier:
    return sql.Identifier(ORIGINALS, plan.contract.table)


def prepare_originals(connection: Connection[Any], contracts: Iterable[Contract]) -> None:
    """Schema and role, where a contract keeps originals; nobody else may look into the schema. Raises LoadError."""
    if not any(_retained(c) for c in contracts):
        return
    try:
        with connection.transaction():
            if not connection.execute(
                "select 1 from pg_catalog.pg_roles where rolname = %s", [ORIGINALS_ROLE]
            ).fetchone():
                connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(ORIGINALS_ROLE)))
            connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(ORIGINALS)))
            connection.execute(
                sql.SQL("revoke all on schema {} from public").format(sql.Identifier(ORIGINALS))
            )
            connection.execute(
                sql.SQL("grant usage on schema {} to {}").format(
                    sql.Identifier(ORIGINALS), sql.Identifier(ORIGINALS_ROLE)
                )
            )
    except errors.InsufficientPrivilege:
        raise LoadError(
            "warehouse",
            f"contracts keep originals of personal columns, and the role {ORIGINALS_ROLE} cannot be made",
            hint=f"let an administrator run: create role {ORIGINALS_ROLE} nologin",
        ) from None


def keep_originals(connection: Connection[Any], plan: LoadPlan) -> None:
    """What stands behind each pseudonym of this load, once; what raw no longer mentions goes. In the publishing
    transaction, with the rows in landing.
    """
    retained = _retained(plan.contract)
    if not retained:
        return
    table = _originals(plan)
    connection.execute(
        sql.SQL(
            "create table if not exists {} (kolom text, pseudonim text, asli text not null,"
            " batch_id bigint not null, primary key (kolom, pseudonim))"
        ).format(table)
    )
    connection.execute(
        sql.SQL("grant select, delete on {} to {}").format(table, sql.Identifier(ORIGINALS_ROLE))
    )
    for column in retained:
        cell, name = sql.Identifier("b", column.name), sql.Literal(column.name)
        connection.execute(
            sql.SQL(
                "insert into {table} select distinct {name}, ops.pseudonim({cell}, {purpose}), {cell}, {batch}::bigint"
                " from {rows} where {cell} is not null and {valid} on conflict do nothing"
            ).format(
                table=table,
                name=name,
                cell=cell,
                purpose=sql.Literal(column.pseudonymise),
                batch=sql.Literal(plan.batch_id),
                rows=cleaned_rows(plan),
                valid=valid(plan),
            )
        )
        connection.execute(
            sql.SQL(
                "delete from {} o where kolom = {} and not exists (select from {} r where r.{} = o.pseudonim)"
            ).format(table, name, plan.raw, sql.Identifier(column.name))
        )
