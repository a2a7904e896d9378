"""Makes the catalogue of published files: datapackage.json (Data Package v2) and dcat.jsonld (DCAT 3).

What belongs here: both documents, by pure functions. Not here: the data files (files.py).

DCAT is derived from the data package. If a mart is refused this time, the entry of its older file stays, so the
catalogue describes the files that are on disk. A mart's CSV and its
workbook are two entries of the package and two distributions of one DCAT dataset.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.publication import samples
from pipelines.publication.files import WrittenFile
from pipelines.publication.guard import is_text
from pipelines.publication.mart import OpenMart
from pipelines.publication.spreadsheet import MEDIA_TYPE as XLSX

Entry = dict[str, Any]

PUBLISHER = "Dinas Komunikasi dan Informatika Provinsi Kalimantan Timur"
TITLE = "Satu Data Kalimantan Timur: data terbuka"
DESCRIPTION = (
    "Mart terbuka dari gudang data Pemerintah Provinsi Kalimantan Timur, sebagai CSV dan XLSX. Kode selalu teks. Dalam"
    " CSV, tanda = + - @ di awal sel teks, atau di dalamnya sesudah titik koma, garis tegak, tab, atau ganti baris,"
    " diberi apostrof agar lembar kerja tidak membacanya sebagai rumus."
)
WITA = ZoneInfo("Asia/Makassar")
DATAPACKAGE, DCAT = "datapackage.json", "dcat.jsonld"
OTHER_FORM_OF = "otherFormOf"
"""Our key for the name of the entry with the same rows. The Data Package standard allows further keys."""

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
    """A mart's file in the edition. `changed`: whether this run wrote it.

    modified: the time of the data. published_at: the time of this publication.
    spreadsheet: the same rows as a workbook, None if a sheet cannot hold them. recipe: see spreadsheet.recipe.
    """

    name: str
    path: Path
    sha256: str
    rows: int
    bytes: int
    changed: bool
    modified: datetime
    published_at: datetime
    kinds: tuple[str, ...]
    spreadsheet: WrittenFile | None = None
    recipe: str = ""


def field_type(kind: str) -> str:
    """The Table Schema type of a PostgreSQL type; codes are text and stay strings."""
    return "string" if is_text(kind) else _FIELD_TYPES[kind]


def hash_of(sha256: str) -> str:
    """How an entry names the SHA-256 of its file."""
    return f"sha256:{sha256}"


def resource(mart: OpenMart, file: PublishedFile, folder: Path, earlier: Entry | None = None) -> Entry:
    """Makes the data package's entry of one mart. earlier: the one of the last publication."""
    modified = _modified(file, file.sha256, earlier)
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
        "hash": hash_of(file.sha256),
        "rows": file.rows,
        "issued": earlier["issued"] if earlier else modified,
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
    described = {
        "unit": mart.unit,
        "frequency": mart.frequency,
        "keywords": keywords,
        "theme": mart.theme,
        "contributors": [{"title": name, "roles": ["creator"]} for name in mart.producers],
        "licenses": [asdict(mart.licence)] if mart.licence else [],
    }
    return entry | {key: value for key, value in described.items() if value}


def _modified(file: PublishedFile, sha256: str, earlier: Entry | None) -> str:
    """When the file with this SHA-256 last changed.

    A file with the bytes of the earlier entry keeps the time of that entry, whatever else was loaded since. A new query
    may give other rows of the same data: then the time of the data has not advanced, and the time of the publication is
    taken. Else a harvester would not see the change.
    """
    modified = in_wita(file.modified)
    if earlier is None:
        return modified
    if earlier["hash"] == hash_of(sha256):
        return str(earlier["modified"])
    return modified if modified > earlier["modified"] else in_wita(file.published_at)


def spreadsheet(
    mart: OpenMart,
    file: WrittenFile,
    csv: Entry,
    of: PublishedFile,
    folder: Path,
    earlier: Entry | None = None,
) -> Entry:
    """Makes the entry of the workbook `file` with the same rows as the CSV `of`. csv: the entry of the CSV."""
    shared = {key: csv[key] for key in ("data_contoh", "licenses") if key in csv}
    return shared | {
        "name": f"{mart.name}-xlsx",
        "type": "table",
        "path": file.path.relative_to(folder).as_posix(),
        "title": f"{csv['title']} (XLSX)",
        "description": csv["description"],
        "format": "xlsx",
        "mediatype": XLSX,
        "bytes": file.bytes,
        "hash": hash_of(file.sha256),
        "rows": csv["rows"],
        "issued": csv["issued"],
        "modified": _modified(of, file.sha256, earlier),
        "dialect": {"sheetName": "Data", "header": True},
        "schema": csv["schema"],
        OTHER_FORM_OF: mart.name,
        "recipe": of.recipe,
    }


def resources(
    published: Iterable[PublishedFile],
    marts: Iterable[OpenMart],
    folder: Path,
    before: Mapping[str, Entry],
    there: Collection[str] = (),
) -> list[Entry]:
    """Gives the entries of all open marts: new ones if published now, those of `before` if their file still exists.

    there: the files of the edition, by their path in `folder`.
    """
    files = {file.name: file for file in published}
    found: list[Entry] = []
    for mart in sorted(marts, key=lambda m: m.name):
        earlier, other = before.get(mart.name), before.get(f"{mart.name}-xlsx")
        if mart.name in files:
            file = files[mart.name]
            found.append(resource(mart, file, folder, earlier))
            if file.spreadsheet:
                found.append(spreadsheet(mart, file.spreadsheet, found[-1], file, folder, other))
        else:
            found += [entry for entry in (earlier, other) if entry and entry["path"] in there]
    return found


def datapackage(found: list[Entry], base_url: str | None = None) -> Entry:
    """Makes the Frictionless Data Package of the entries `found`. base_url: where the edition is served.

    Keywords and producers are those of all entries. The package has a licence if all entries have the same one.
    """
    package: Entry = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "satu-data-kalimantan-timur",
        "title": TITLE,
        "description": DESCRIPTION,
        "contributors": [
            {"title": PUBLISHER, "roles": ["publisher"]},
            *_distinct(found, "contributors"),
        ],
        "resources": found,
    }
    if base_url:
        package["homepage"] = base_url.rstrip("/") + "/"
    if keywords := _distinct(found, "keywords"):
        package["keywords"] = keywords
    if found and found[0].get("licenses") and all(e.get("licenses") == found[0]["licenses"] for e in found):
        package["licenses"] = found[0]["licenses"]
    if any(entry.get("data_contoh") for entry in found):
        package["description"] = f"{samples.NOTE} {DESCRIPTION}"
    if found:
        package["created"] = max(entry["modified"] for entry in found)
    return package


def _distinct(found: Iterable[Entry], key: str) -> list[Any]:
    """What the lists under `key` of all entries hold: each value once, in the order of the entries."""
    members: list[Any] = []
    for entry in found:
        members += [member for member in entry.get(key, ()) if member not in members]
    return members


def dcat(package: Entry, base_url: str | None = None) -> Entry:
    """Makes the DCAT 3 catalogue of a data package. Without `base_url` addresses are relative to the document."""
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
        "dcat:dataset": [
            _dataset(entry, [e for e in package["resources"] if e.get(OTHER_FORM_OF) == entry["name"]])
            for entry in datasets(package)
        ],
    }
    if "created" in package:
        catalog["dct:modified"] = _time(package["created"])
    return catalog


def datasets(package: Entry) -> list[Entry]:
    """The entries of a data package without those that are another form of an entry."""
    return [entry for entry in package["resources"] if OTHER_FORM_OF not in entry]


def _dataset(entry: Entry, others: Iterable[Entry]) -> Entry:
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
        "dcat:distribution": [_distribution(form, entry) for form in (entry, *others)],
    }
    if "contributors" in entry:
        dataset["dct:creator"] = [
            {"@type": "foaf:Agent", "foaf:name": _id(agent["title"])} for agent in entry["contributors"]
        ]
    if "keywords" in entry:
        dataset["dcat:keyword"] = [_id(word) for word in entry["keywords"]]
    if "theme" in entry:
        dataset["dcat:theme"] = {"@type": "skos:Concept", "skos:prefLabel": _id(entry["theme"])}
    if "frequency" in entry:
        dataset["dct:accrualPeriodicity"] = {"@id": _FREQUENCY + _FREQUENCIES[entry["frequency"]]}
    return dataset


def _distribution(form: Entry, entry: Entry) -> Entry:
    kind = form["format"]
    distribution: Entry = {
        "@id": f"#{entry['name']}-{kind}",
        "@type": "dcat:Distribution",
        "dct:title": _id(f"{entry['title']} ({kind.upper()})"),
        "dcat:accessURL": {"@id": form["path"]},
        "dcat:downloadURL": {"@id": form["path"]},
        "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{form['mediatype']}"},
        "dcat:byteSize": {"@type": "xsd:nonNegativeInteger", "@value": str(form["bytes"])},
        "dct:modified": _time(form["modified"]),
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": {"@type": "xsd:hexBinary", "@value": form["hash"].removeprefix("sha256:")},
        },
    }
    if "licenses" in entry:
        distribution["dct:license"] = [{"@id": licence["path"]} for licence in entry["licenses"]]
    return distribution


def entries(text: str | None) -> dict[str, Entry]:
    """Reads the entries of a data package by name; none if there is no data package."""
    return {entry["name"]: entry for entry in json.loads(text)["resources"]} if text else {}


def as_json(document: Entry) -> str:
    """The text of a document's file."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def in_wita(at: datetime) -> str:
    """ISO 8601 to the second in Kalimantan's time."""
    return at.astimezone(WITA).isoformat(timespec="seconds")


def _id(text: str) -> Entry:
    return {"@language": "id", "@value": text}


def _time(text: str) -> Entry:
    return {"@type": "xsd:dateTime", "@value": text}
