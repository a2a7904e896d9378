"""The file of users says who sees what, and a fault in it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import GudangError
from pipelines.loket.users import MadeUpUsers, UsersFile, read_users


def test_a_person_sees_the_datasets_of_their_opd_and_a_walidata_all() -> None:
    people = read_users("rina: [dinkes, dinsos]\nwati: walidata\n")
    assert [people["rina"].sees(opd) for opd in ("dinkes", "dinsos", "bkd", "")] == [True, True, False, False]
    assert people["wati"].sees("bkd")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rina: dinkes", "rina: bukan daftar OPD"),
        ("rina: []", "rina: bukan daftar OPD"),
        ("rina: [1]", "rina: bukan daftar OPD"),
        ("rina: {opd: dinkes}", "rina: bukan daftar OPD"),
        ("123: [dinkes]", "123 bukan nama pengguna"),
        ("no: [dinkes]", "False bukan nama pengguna"),
        ("'': [dinkes]", "'' bukan nama pengguna"),
        ("- rina", "bukan daftar pengguna"),
        ("", "bukan daftar pengguna"),
        ("rina: [", "baris 1: bukan YAML"),
    ],
)
def test_a_fault_is_named(text: str, why: str) -> None:
    with pytest.raises(GudangError, match="GUDANG_LOKET_PENGGUNA") as raised:
        read_users(text)
    assert why in raised.value.message


def test_a_changed_file_holds_at_once_and_a_faulty_one_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "pengguna.yaml"
    path.write_text("rina: [dinkes]\n")
    users = UsersFile(path)
    assert users.find("rina") and users.find("budi") is None
    path.write_text("budi: [dinsos, bkd]\n")
    assert users.find("rina") is None and users.find("budi")
    path.write_text("budi: dinsos")
    for _ in range(2):
        with pytest.raises(GudangError):
            users.find("budi")
    path.unlink()
    with pytest.raises(GudangError, match="tidak ada"):
        users.find("budi")


def test_the_demo_has_one_person_per_opd_and_a_walidata() -> None:
    users = MadeUpUsers(["dinsos", "dinkes", "dinkes"])
    assert [person.name for person in users.people] == [
        "petugas-dinkes",
        "petugas-dinsos",
        "petugas-walidata",
    ]
