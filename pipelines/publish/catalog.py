"""What is published, told to machines: datapackage.json (Data Package v2) and dcat.jsonld (DCAT 3).

What belongs here: both documents as pure functions of values. Not here: the data files (files.py).

The data package is the one description; DCAT is derived from it. A mart that was refused this time keeps the
entry of the file that still lies there, so the catalogue never describes what is not on disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.publish import samples
from pipelines.publish.guard import is_text
from pipelines.publish.mart import OpenMart

Entry = dict[str, Any]

PUBLISHER = "Dinas Komunikasi dan Informatika Provinsi Kalimantan Timur"
TITLE = "Satu Data Kalimantan Timur: data terbuka"
DESCRIPTION = (
    "Mart terbuka dari gudang data Pemerintah Provinsi Kalimantan Timur. Kode selalu teks. Sel teks yang"
    " diawali = + - @ atau tab diberi apostrof di depannya agar lembar kerja tidak membacanya sebagai rumus."
)
WITA = ZoneInfo("Asia/Makassar")
DATAPACKAGE, DCAT = "datapackage.json", "dcat.jsonld"

_FREQUENCY = "http://publications.europa.eu/resource/authority/frequency/"
_FREQUENCIES = {
    "harian": "DAILY",
    "mingguan": "WEEKLY",
    "bulanan": "MONTHLY",
    "triwulanan": "QUARTERLY",
    "semesteran": "ANNUAL_2",
    "tahunan": "ANNUAL",
    "tidak_tetap": "IRREG",
}
_FIELD_TYPES = {
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "numeric": "number",
    "real": "number",
    "double precision": "number",
    "boolean": "boolean",
    "date": "date",
    "time without time zone": "time",
    "timestamp without time zone": "datetime",
    "timestamp with time zone": "datetime",
}


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A mart's file as it lies there. `modified`: the time of the data; `changed`: this run put it there."""

    name: str
    path: Path
    sha256: str
    rows: int
    bytes: int
    changed: bool
    modified: datetime
    kinds: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """In a word, for people."""
        return "diperbarui" if self.changed else "tidak berubah"


def field_type(kind: str) -> str:
    """The Table Schema type of a PostgreSQL type; codes are text and stay strings."""
    return "string" if is_text(kind) else _FIELD_TYPES[kind]


def resource(mart: OpenMart, file: PublishedFile, folder: Path, issued: str | None = None) -> Entry:
    """The data package's entry of one mart. `issued`: when it was first published, else now."""
    modified = in_wita(file.modified)
    entry: Entry = {
        "name": mart.name,
        "type": "table",
        "path": file.path.relative_to(folder).as_posix(),
        "title": mart.title,
        "description": mart.description,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": file.bytes,
        "hash": f"sha256:{file.sha256}",
        "rows": file.rows,
        "issued": issued or modified,
        "modified": modified,
        "dialect": {
            "delimiter": ",",
            "lineTerminator": "\n",
            "quoteChar": '"',
            "doubleQuote": True,
            "header": True,
        },
        "schema": {
            "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
            "fields": [
                {"name": c.name, "type": field_type(kind), "description": c.description}
                for c, kind in zip(mart.columns, file.kinds, strict=True)
            ],
            "missingValues": [""],
        },
    }
    keywords = list(mart.keywords)
    if mart.sample:
        keywords.append(samples.KEYWORD)
        entry |= {
            "title": f"{mart.title} ({samples.KEYWORD})",
            "description": f"{samples.NOTE} {mart.description}".strip(),
            "data_contoh": True,
        }
    told = {
        "unit": mart.unit,
        "frequency": mart.frequency,
        "keywords": keywords,
        "theme": mart.theme,
        "producer": mart.producer,
        "licence": mart.licence,
    }
    return entry | {key: value for key, value in told.items() if value}


def resources(
    published: Iterable[PublishedFile], marts: Iterable[OpenMart], folder: Path, before: Mapping[str, Entry]
) -> list[Entry]:
    """The entries of all open marts: new where published, those of `before` where a file still lies there."""
    files = {file.name: file for file in published}
    entries: list[Entry] = []
    for mart in sorted(marts, key=lambda m: m.name):
        earlier = before.get(mart.name)
        if mart.name in files:
            entries.append(resource(mart, files[mart.name], folder, earlier["issued"] if earlier else None))
        elif earlier and (folder / earlier["path"]).is_file():
            entries.append(earlier)
    return entries


def datapackage(entries: list[Entry]) -> Entry:
    """The Frictionless Data Package of `entries`."""
    package: Entry = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "satu-data-kalimantan-timur",
        "title": TITLE,
        "description": DESCRIPTION,
        "contributors": [{"title": PUBLISHER, "roles": ["publisher"]}],
        "resources": entries,
    }
    if any(entry.get("data_contoh") for entry in entries):
        package["description"] = f"{samples.NOTE} {DESCRIPTION}"
    if entries:
        package["created"] = max(entry["modified"] for entry in entries)
    return package


def dcat(package: Entry, base_url: str | None = None) -> Entry:
    """The DCAT 3 catalogue of a data package. Without `base_url` addresses are relative to the document."""
    publisher = {"@id": "#diskominfo", "@type": "foaf:Agent", "foaf:name": _id(PUBLISHER)}
    context: Entry = {
        "dcat": "http://www.w3.org/ns/dcat#",
        "dct": "http://purl.org/dc/terms/",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "spdx": "http://spdx.org/rdf/terms#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    }
    if base_url:
        context["@base"] = base_url.rstrip("/") + "/"
    catalog: Entry = {
        "@context": context,
        "@id": "#katalog",
        "@type": "dcat:Catalog",
        "dct:title": _id(package["title"]),
        "dct:description": _id(package["description"]),
        "dct:language": "id",
        "dct:publisher": publisher,
        "dcat:dataset": [_dataset(entry) for entry in package["resources"]],
    }
    if "created" in package:
        catalog["dct:modified"] = _time(package["created"])
    return catalog


def _dataset(entry: Entry) -> Entry:
    dataset: Entry = {
        "@id": f"#{entry['name']}",
        "@type": "dcat:Dataset",
        "dct:identifier": entry["name"],
        "dct:title": _id(entry["title"]),
        "dct:description": _id(entry["description"]),
        "dct:language": "id",
        "dct:publisher": {"@id": "#diskominfo"},
        "dct:issued": _time(entry["issued"]),
        "dct:modified": _time(entry["modified"]),
        "dcat:distribution": [_distribution(entry)],
    }
    if "producer" in entry:
        dataset["dct:creator"] = {"@type": "foaf:Agent", "foaf:name": _id(entry["producer"])}
    if "keywords" in entry:
        dataset["dcat:keyword"] = [_id(word) for word in entry["keywords"]]
    if "theme" in entry:
        dataset["dcat:theme"] = {"@type": "skos:Concept", "skos:prefLabel": _id(entry["theme"])}
    if "frequency" in entry:
        dataset["dct:accrualPeriodicity"] = {"@id": _FREQUENCY + _FREQUENCIES[entry["frequency"]]}
    return dataset


def _distribution(entry: Entry) -> Entry:
    distribution: Entry = {
        "@id": f"#{entry['name']}-csv",
        "@type": "dcat:Distribution",
        "dct:title": _id(f"{entry['title']} (CSV)"),
        "dcat:accessURL": {"@id": entry["path"]},
        "dcat:downloadURL": {"@id": entry["path"]},
        "dcat:mediaType": {"@id": "https://www.iana.org/assignments/media-types/text/csv"},
        "dcat:byteSize": {"@type": "xsd:nonNegativeInteger", "@value": str(entry["bytes"])},
        "dct:modified": _time(entry["modified"]),
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": {"@type": "xsd:hexBinary", "@value": entry["hash"].removeprefix("sha256:")},
        },
    }
    if "licence" in entry:
        distribution["dct:license"] = _licence(entry["licence"])
    return distribution


def read_entries(folder: Path) -> dict[str, Entry]:
    """The entries of the data package that lies in `folder`, by mart; none where there is none."""
    path = folder / DATAPACKAGE
    if not path.is_file():
        return {}
    return {entry["name"]: entry for entry in json.loads(path.read_text("utf-8"))["resources"]}


def as_json(document: Entry) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def in_wita(at: datetime) -> str:
    """ISO 8601 to the second in Kalimantan's time."""
    return at.astimezone(WITA).isoformat(timespec="seconds")


def _id(text: str) -> Entry:
    return {"@language": "id", "@value": text}


def _time(text: str) -> Entry:
    return {"@type": "xsd:dateTime", "@value": text}


def _licence(text: str) -> Entry:
    if text.startswith(("http://", "https://")):
        return {"@id": text}
    return {"@type": "dct:LicenseDocument", "dct:title": _id(text)}
