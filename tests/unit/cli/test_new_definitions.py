"""When changed files are read: once they are at rest, if they have no fault, and again after a reload that failed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from pipelines.cli.server.definitions import RETRY_LOOKS, Look


@dataclass
class Server:
    """What was asked of a code server, and what is wrong with the files and with it."""

    faults: list[str] | None = field(default_factory=list[str])
    fault: str = ""
    checked: list[list[str]] = field(default_factory=list[list[str]])
    reloads: int = 0

    def check(self, changed: Collection[str]) -> list[str] | None:
        self.checked.append([*changed])
        return self.faults

    def reload(self) -> str:
        self.reloads += 1
        return self.fault

    def look(self) -> Look:
        return Look({"a": "1", "b": "1"}, self.check, self.reload)


def test_files_are_read_when_two_looks_see_the_same() -> None:
    server = Server()
    look = server.look()
    assert look.at({"a": "1", "b": "1"}) == ""
    for half in ("2", "3", "4"):
        assert look.at({"a": half, "c": "1"}) == ""
    assert (server.checked, server.reloads) == ([], 0)
    assert look.at({"a": "4", "c": "1"}) == "Definisi dibaca lagi, 3 berkas berubah: a, b, c"
    assert (server.checked, server.reloads) == ([["a", "b", "c"]], 1)
    assert [look.at({"a": "4", "c": "1"}) for _ in range(3)] == [""] * 3
    assert server.reloads == 1


def test_files_with_a_fault_are_not_read_and_are_checked_once() -> None:
    server = Server(faults=["a:3: salah"])
    look = server.look()
    said = [look.at({"a": "2", "b": "1"}) for _ in range(4)]
    assert said == ["", "Definisi lama tetap dipakai, karena berkas yang berubah salah: a:3: salah", "", ""]
    assert (look.faults, server.reloads, len(server.checked)) == (["a:3: salah"], 0, 1)
    look.at({"a": "1", "b": "1"})
    assert look.faults == [], "the definitions in use are those of the files again"
    server.faults = []
    assert [look.at({"a": "3", "b": "1"}) for _ in range(2)][1].startswith("Definisi dibaca lagi")


def test_a_reload_that_fails_is_tried_again_later() -> None:
    server = Server(fault="tidak menjawab")
    look = server.look()
    said = [look.at({"a": "2", "b": "1"}) for _ in range(RETRY_LOOKS + 1)]
    assert [line for line in said if line] == [
        "Definisi belum dapat dibaca lagi, dan dicoba lagi: tidak menjawab"
    ]
    server.fault = ""
    assert look.at({"a": "2", "b": "1"}) == "Definisi dibaca lagi, 1 berkas berubah: a"
    assert server.reloads == 2


def test_files_that_could_not_be_checked_are_checked_again_later() -> None:
    server = Server(faults=None)
    look = server.look()
    said = [look.at({"a": "2", "b": "1"}) for _ in range(RETRY_LOOKS + 1)]
    assert [line for line in said if line] == [
        "Berkas yang berubah belum dapat diperiksa, dan diperiksa lagi: lihat log proses ini"
    ]
    assert (look.faults, server.reloads) == ([], 0)
    server.faults = []
    assert look.at({"a": "2", "b": "1"}) == "Definisi dibaca lagi, 1 berkas berubah: a"
