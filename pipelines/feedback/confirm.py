"""Records that a person confirms unusual values of rows in quarantine, or takes that back: in the loket, or by command.

What belongs here: what waits for a confirmation, and keeping it; the confirmations in force, and withdrawing them. Not
here: confirmations in a marked file and how the next load uses them (load/stage/confirmations.py). The queries need the
rights of the role gudang_loket only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import Connection
from psycopg.rows import class_row

from pipelines.contracts.model import Contract, WriteDisposition
from pipelines.contracts.soft_rules import is_soft
from pipelines.errors import GudangError
from pipelines.redaction.personal_shapes import ALL, masked

LONGEST_REASON = 500
_HINT = "perbaiki nilainya di berkas atau sumbernya, lalu kirim lagi"


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """One rule that a quarantined row breaks.

    identity: the hash by which its cell is known (`cell_hash`); None if the rule was not soft when the row was refused.
    """

    entry_id: int
    place: str | None
    column_name: str
    rule: str
    value: str | None
    message: str
    identity: str | None


_REASONS = """
select q.entry_id, q.source_position as place, r.reason ->> 'kolom' as column_name, r.reason ->> 'aturan' as rule,
    r.reason ->> 'nilai' as value, r.reason ->> 'pesan' as message, r.reason ->> 'identitas' as identity
from quarantine.row as q cross join lateral jsonb_array_elements(q.reasons) as r (reason)
where q.dataset = %(dataset)s and q.state = 'open' and (%(entries)s::bigint[] is null or q.entry_id = any(%(entries)s))
    and (%(entries)s::bigint[] is not null or r.reason ? 'identitas')
    and (%(column)s::text is null or (r.reason ->> 'kolom', r.reason ->> 'aturan') = (%(column)s, %(rule)s))
    and not exists (
        select from quarantine.confirmed as c
        where c.dataset = q.dataset and c.column_name = r.reason ->> 'kolom' and c.rule = r.reason ->> 'aturan'
            and c.cell_hash = r.reason ->> 'identitas'
    )
order by q.entry_id, 3, 4 limit %(most)s
"""
_INSERT = """
insert into quarantine.confirmation (dataset, column_name, rule, cell_hash, confirmed_by, via, reason)
values (%s, %s, %s, %s, %s, %s, %s)
"""
_CONFIRMED = """
with cell as (
    select distinct on (1, 2, 3) r.reason ->> 'kolom' as column_name, r.reason ->> 'aturan' as rule,
        r.reason ->> 'identitas' as cell_hash, q.source_position as place, r.reason ->> 'nilai' as value
    from quarantine.row as q cross join lateral jsonb_array_elements(q.reasons) as r (reason)
    where q.dataset = %(dataset)s and r.reason ? 'identitas'
    order by 1, 2, 3, q.entry_id desc
)
select c.confirmation_id, c.column_name, c.rule, cell.place, cell.value, c.confirmed_by, c.confirmed_at, c.reason
from quarantine.confirmed as c left join cell using (column_name, rule, cell_hash)
where c.dataset = %(dataset)s order by c.confirmation_id desc limit %(most)s
"""
_WITHDRAW = """
insert into quarantine.withdrawal (confirmation_id, withdrawn_by, via, reason)
select c.confirmation_id, %(by)s, %(via)s, %(reason)s
from quarantine.confirmed as c
where c.dataset = %(dataset)s and (c.column_name, c.rule, c.cell_hash) in (
    select o.column_name, o.rule, o.cell_hash from quarantine.confirmed as o
    where o.dataset = %(dataset)s and o.confirmation_id = any(%(numbers)s)
)
on conflict do nothing
"""
"""Two people may have confirmed a cell at the same moment, so all confirmations of the cell are taken back."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A confirmation in force. place, value: of the cell, as quarantine has them; None where its entry is gone."""

    confirmation_id: int
    column_name: str
    rule: str
    place: str | None
    value: str | None
    confirmed_by: str
    confirmed_at: datetime
    reason: str


def when_accepted(contract: Contract) -> str:
    """Says when a confirmed row is accepted. Rows of past windows are read again only by a backfill."""
    if contract.windows:
        return (
            "barisnya diterima bila jendelanya dibaca lagi; jendela yang sudah lewat hanya dibaca lagi oleh pengisian"
            " ulang"
        )
    return "barisnya diterima pada pemuatan berikutnya"


def when_judged(contract: Contract) -> str:
    """A sentence that says when a row is judged again after its confirmation was taken back."""
    if contract.windows:
        return "barisnya ditahan bila jendelanya dibaca lagi"
    text = "barisnya ditahan pada pemuatan berikutnya"
    if contract.disposition is not WriteDisposition.REPLACE:
        text += "; baris yang sudah dimuat tetap dipakai sampai baris itu diperbaiki, atau sampai muat ulang penuh"
    return text


def waiting(connection: Connection[Any], contract: Contract, most: int) -> list[BrokenRule]:
    """The cells of open rows that wait for a confirmation, at most `most`."""
    found = _reasons(connection, contract, None, most=most)
    return [one for one in found if is_soft(contract, one.column_name, one.rule)]


def confirm(
    connection: Connection[Any],
    contract: Contract,
    entries: Sequence[int],
    *,
    by: str,
    via: Literal["loket", "command"],
    reason: str,
    only: tuple[str, str] | None = None,
) -> int:
    """Records that the cells of these entries are right, and gives their number. The next load accepts them.

    by: the name of the person. only: the column and rule that are confirmed; None for all soft ones of the entries.
    Raises GudangError, and records nothing, without a reason, or if an entry breaks another rule, which can't be
    confirmed, or is not open.
    """
    reason = _reason(contract, reason, "tulis mengapa nilai ini memang benar")
    found = _reasons(connection, contract, [*entries], only=only)
    if lost := sorted(set(entries) - {one.entry_id for one in found}):
        numbers = ", ".join(map(str, lost))
        raise GudangError(
            contract.key,
            f"entri {numbers} tidak ada, sudah selesai, atau sudah dikonfirmasi",
            hint="lihat lagi daftar yang menunggu konfirmasi",
        )
    for one in found:
        if one.identity is None or not is_soft(contract, one.column_name, one.rule):
            message = f"entri {one.entry_id}: {one.message}; aturan {one.rule} tidak dapat dikonfirmasi"
            raise GudangError(contract.key, message, hint=_HINT)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            _INSERT,
            [(contract.key, one.column_name, one.rule, one.identity, by, via, reason) for one in found],
        )
    return len(found)


def confirmed(connection: Connection[Any], contract: Contract, most: int) -> list[Confirmation]:
    """The confirmations that still hold: the newest first, and no more than `most`."""
    with connection.cursor(row_factory=class_row(Confirmation)) as cursor:
        return cursor.execute(_CONFIRMED, {"dataset": contract.key, "most": most}).fetchall()


def withdraw(
    connection: Connection[Any],
    contract: Contract,
    numbers: Sequence[int],
    *,
    by: str,
    via: Literal["loket", "command"],
    reason: str,
) -> None:
    """Takes confirmations back. The next load judges their rows again.

    Raises GudangError, and takes nothing back, without a reason, or if a number is no confirmation in force.
    """
    reason = _reason(contract, reason, "tulis mengapa nilai ini ternyata tidak benar")
    values = {"dataset": contract.key, "numbers": [*numbers], "by": by, "via": via, "reason": reason}
    with connection.transaction():
        known = connection.execute(
            "select confirmation_id from quarantine.confirmed where dataset = %s and confirmation_id = any(%s)",
            [contract.key, [*numbers]],
        ).fetchall()
        if lost := sorted(set(numbers) - {number for (number,) in known}):
            raise GudangError(
                contract.key,
                f"konfirmasi {', '.join(map(str, lost))} tidak ada, atau sudah ditarik",
                hint="lihat lagi daftar yang sudah dikonfirmasi",
            )
        connection.execute(_WITHDRAW, values)


def _reason(contract: Contract, text: str, hint: str) -> str:
    """A reason in one line, with persons' numbers masked. Raises GudangError if there is none."""
    reason = masked(" ".join(text.split())[:LONGEST_REASON], ALL)
    if not reason:
        raise GudangError(contract.key, "alasannya belum diisi", hint=hint)
    return reason


def _reasons(
    connection: Connection[Any],
    contract: Contract,
    entries: list[int] | None,
    *,
    only: tuple[str, str] | None = None,
    most: int | None = None,
) -> list[BrokenRule]:
    column, rule = only or (None, None)
    values = {"dataset": contract.key, "entries": entries, "column": column, "rule": rule, "most": most}
    with connection.cursor(row_factory=class_row(BrokenRule)) as cursor:
        return cursor.execute(_REASONS, values).fetchall()
