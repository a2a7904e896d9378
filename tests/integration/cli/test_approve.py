"""`gudang approve`: names what waits, approves and rejects by number, and goes on where a number cannot be decided."""

from __future__ import annotations

import pytest

from pipelines.cli.data.approve import decide_each, print_waiting
from tests.support.contracts import column
from tests.support.loads import Loads


def test_a_person_sees_approves_and_rejects(loads: Loads, capsys: pytest.CaptureFixture[str]) -> None:
    held = loads.contract(column("id", "integer", primaryKey=True), approval="required")
    first = loads.load(held, lambda *_: [("1",), ("2",)]).batch_id
    print_waiting(loads.connection, [held])
    said = capsys.readouterr().out
    assert said.startswith(f"{first}  uji/data (data), menunggu sejak ") and "2 baris baru, 0 berubah" in said
    assert f'select * from "landing"."uji__data__{first}_stage" limit 100' in said  # noqa: S608

    assert not decide_each(loads.connection, [held], [999, first], "siti", None)
    said = capsys.readouterr().out
    assert said.startswith("gagal: kiriman 999: tidak ada")
    assert f"kiriman {first}: disetujui oleh siti: 2 dimuat" in said
    assert loads.raw(held, "id") == [(1,), (2,)]

    second = loads.load(held, lambda *_: [("1",)]).batch_id
    assert not decide_each(loads.connection, [held], [second], "siti", " ")  # a reason is needed
    assert decide_each(loads.connection, [held], [second], "siti", "satu baris hilang")
    assert decide_each(loads.connection, [held], [second], "siti", "satu baris hilang")
    said = capsys.readouterr().out
    assert f"kiriman {second}: ditolak oleh siti: DITOLAK: ditolak walidata: satu baris hilang" in said
    assert f"kiriman {second}: sudah ditolak oleh siti" in said
    assert loads.raw(held, "id") == [(1,), (2,)]
    print_waiting(loads.connection, [held])
    assert capsys.readouterr().out == "Tidak ada kiriman yang menunggu persetujuan.\n"
