"""Made-up people and vehicles. No register knows them: a NIK begins with 99, a plate with XX."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

_SYLLABLES = (
    "ba",
    "di",
    "ka",
    "lu",
    "me",
    "na",
    "pi",
    "ra",
    "so",
    "ta",
    "wi",
    "yu",
    "ge",
    "ho",
    "rin",
    "san",
)
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody made up, with a NIK that no register has. sex: L or P."""

    nik: str
    name: str
    sex: str
    born: date

    def age(self, day: date) -> int:
        """Full years on `day`."""
        return day.year - self.born.year - ((day.month, day.day) < (self.born.month, self.born.day))


def name(rng: random.Random) -> str:
    """A name of two words, made of syllables."""
    words = ("".join(rng.choices(_SYLLABLES, k=rng.randint(2, 3))) for _ in range(2))
    return " ".join(word.capitalize() for word in words)


def person(rng: random.Random, serial: int) -> Person:
    """One person; `serial` keeps the NIK unique. In a NIK the day of birth of women is raised by 40.

    Districts and serials of a NIK begin at 1.
    """
    sex = rng.choice("LP")
    born = date(1941, 1, 1) + timedelta(days=int(31000 * rng.random() ** 0.8))
    day = born.day + (40 if sex == "P" else 0)
    nik = f"99{101 + serial // 9999:04d}{day:02d}{born:%m%y}{serial % 9999 + 1:04d}"
    return Person(nik, name(rng), sex, born)


def plate(rng: random.Random) -> str:
    """A number plate of no region."""
    return f"XX {rng.randint(1, 9999)} {''.join(rng.choices(_LETTERS, k=rng.randint(1, 3)))}"


def rupiah(amount: int) -> str:
    """1234567 as OPD write it: "1.234.567"."""
    return f"{amount:,}".replace(",", ".")
