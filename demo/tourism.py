"""dispar/kunjungan_wisata: visits by destination, day and kind of visitor; destinations are made up.

The agency's application exports one CSV and packs it with a note. Regions are names only, as officers type them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date

from demo.calendar import LAST_DAY, days, generator
from demo.numbers import decimal_id
from demo.people import name
from demo.regions import kabupaten
from demo.tables import Row
from demo.workbook import EPOCH

FIRST_DAY = date(2025, 1, 1)
DESTINATIONS = 110
HEADER = (
    "tanggal",
    "kode_destinasi",
    "nama_destinasi",
    "jenis_destinasi",
    "kabupaten_kota",
    "jenis_wisatawan",
    "jumlah_kunjungan",
)
_KINDS = ("Alam", "Alam", "Budaya", "Buatan")
_PLACES = {
    "Alam": ("Pantai", "Air Terjun", "Danau", "Gua"),
    "Budaya": ("Lamin", "Museum"),
    "Buatan": ("Taman", "Kolam"),
}
_SPELLED = {
    "64.01": "Kab. Pasir",
    "64.02": "KUTAI KERTANEGARA (KAB.)",
    "64.08": "Kutim",
    "64.09": "Penajam Paser Utama",
    "64.11": "Mahulu",
    "64.71": "Balik Papan",
}
_NEW_CAPITAL = "Ibu Kota Nusantara"
"""Two destinations are in kabupaten/kota that Kemendagri's list does not know; their rows stay without a code."""
_VISITORS = ((("wisnus", "Wisnus", "Nusantara"), 1.0), (("wisman", "Wisman", "Mancanegara"), 0.02))
"""Kinds of visitors as different officers write them, the usual spelling first; and how many visitors there are."""


def visits() -> Iterator[Row]:
    """Header, a row per day, destination and kind of visitor, then six rows for quarantine."""
    yield HEADER
    rng = generator("dispar/kunjungan_wisata")
    regions = [_SPELLED.get(r.code, r.short_name) for r in kabupaten()]
    places: list[tuple[str, str, str, str, float]] = []
    for number in range(1, DESTINATIONS + 1):
        kind = rng.choice(_KINDS)
        title = f"{rng.choice(_PLACES[kind])} {name(rng)}"
        region = _NEW_CAPITAL if number % 55 == 0 else regions[number % len(regions)]
        places.append((f"DTW-{number:03d}", title, kind, region, rng.lognormvariate(4.2, 1.0)))
    first: Row = ()
    for day in days(FIRST_DAY, LAST_DAY):
        busy = 2.2 if day.weekday() >= 5 else 0.8
        written = day.strftime("%d/%m/%Y")
        for code, title, kind, region, size in places:
            open_ = rng.random() < 0.97
            for words, share in _VISITORS:
                word = words[0] if rng.random() < 0.95 else rng.choice(words)
                count = round(size * busy * share * rng.uniform(0.4, 1.6))
                row = (written, code, title, kind, region, word, decimal_id(count, 0) if open_ else "-")
                first = first or row
                yield row
    # The same key twice; then a false day, a false number, one that is too small, a false kind of visitor and of place.
    yield first
    for faults in ({0: "31/11/2026"}, {6: "ramai"}, {6: "-5"}, {5: "domestik"}, {3: "Religi"}):
        cells = [faults.get(i, cell) for i, cell in enumerate(first)]
        cells[1] = f"DTW-{DESTINATIONS + 1}"  # a destination without another row
        yield tuple(cells)


def packed(file: str, content: bytes, note: str) -> bytes:
    """A ZIP with a file in a folder and a note beside it; its bytes are always the same."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in (("BACA SAYA.txt", note.encode()), (f"ekspor/{file}", content)):
            info = zipfile.ZipInfo(path, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return out.getvalue()
