"""What an asset's page links to: the data dictionary, the files that it is made of, rows in quarantine.

Dagster shows the lineage of columns in its paid product only, so every column's description ends in a link to its place
in the data dictionary. Not here: what a load or a build says of itself (raw.py, warehouse.py).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.contracts.model import Contract
from pipelines.contracts.upload import WORKBOOKS, FileExtract
from pipelines.publication.dictionary.pages import path_of
from pipelines.settings import Settings

_LINK = "silsilah"
"""The text of the link behind a column's description."""


@dataclass(frozen=True, slots=True)
class DictionaryLinks:
    """Links to the data dictionary. url: where browsers find it; None if nobody serves it. folder: of its files."""

    url: str | None
    folder: Path

    @classmethod
    def of(cls, settings: Settings) -> DictionaryLinks:
        """The links of an installation."""
        return cls(settings.dictionary_url, settings.dictionary_dir)

    def page(self, relation: str) -> dg.MetadataValue[Any]:
        """The link to the page of a relation (`schema.name`); the path of its file if the site is not served."""
        if self.url is None:
            return dg.MetadataValue.path(str(self.folder / path_of(relation)))
        return dg.MetadataValue.url(f"{self.url}/{path_of(relation)}")

    def column(self, relation: str, column: str, description: str) -> str:
        """A column's description with a link to its lineage, in Markdown; without one if the site is not served."""
        if self.url is None:
            return description
        return f"{description} [{_LINK}]({self.url}/{path_of(relation, column)})".lstrip()


def code_references(files: Mapping[str, Path], line: int = 1) -> dg.CodeReferencesMetadataValue:
    """Links that open files in an engineer's editor, at a line. files: by the text of the link."""
    with warnings.catch_warnings():
        # Dagster calls these classes beta. Its pages show them.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.CodeReferencesMetadataValue(
            code_references=[
                dg.LocalFileCodeReference(file_path=str(path), line_number=line, label=label)
                for label, path in files.items()
            ]
        )


def quarantine_query(contract: Contract) -> dg.MetadataValue[Any]:
    """The SQL that gives the rows of a dataset that wait in quarantine, newest first."""
    query = (
        "select entry_id, source_position, row_key, reasons, row, created_at\n"
        "from quarantine.row\n"
        f"where dataset = '{contract.key}' and state = 'open'\n"
        "order by entry_id desc\n"
        "limit 100;"
    )
    return dg.MetadataValue.md(f"```sql\n{query}\n```")


def source_kind(contract: Contract) -> str:
    """The kind of a dataset's source, as a name for which Dagster has an icon."""
    if isinstance(contract.extract, FileExtract):
        format_ = contract.extract.format
        return "excel" if format_ in WORKBOOKS else {"ndjson": "json"}.get(format_, format_)
    return "json" if contract.server.kind == "api" else "sql"
