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
from urllib.parse import quote

import dagster as dg

from pipelines.contracts.model import Contract
from pipelines.contracts.upload import WORKBOOKS, FileExtract
from pipelines.publication.dictionary.pages import checks_path_of, path_of
from pipelines.settings import Settings

_LINK = "silsilah"
"""The text of the link behind a column's description."""


@dataclass(frozen=True, slots=True)
class PageLinks:
    """Makes the links of an asset's page.

    url: where browsers find the data dictionary; None if nobody serves it. folder: of its files. project: the folder of
    the project. code_url: where browsers find that folder's files, as `https://git.example/gudang/blob/main`.
    """

    url: str | None
    folder: Path
    project: Path
    code_url: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> PageLinks:
        """The links of an installation."""
        return cls(settings.dictionary_url, settings.dictionary_dir, settings.project, settings.code_url)

    def page(self, relation: str) -> dg.MetadataValue[Any]:
        """The link to the page of a relation (`schema.name`); the path of its file if the site is not served."""
        return self._link(path_of(relation))

    def checks(self, relation: str) -> dg.MetadataValue[Any]:
        """The link to the page with the rules of a relation that has some, their last results and their history."""
        return self._link(checks_path_of(relation))

    def _link(self, path: str) -> dg.MetadataValue[Any]:
        if self.url is None:
            return dg.MetadataValue.path(str(self.folder / path))
        return dg.MetadataValue.url(f"{self.url}/{path}")

    def column(self, relation: str, column: str, description: str) -> str:
        """A column's description with a link to its lineage, in Markdown; without one if the site is not served."""
        if self.url is None:
            return description
        return f"{description} [{_LINK}]({self.url}/{path_of(relation, column)})".lstrip()

    def code(self, files: Mapping[str, Path], line: int = 1) -> dg.CodeReferencesMetadataValue:
        """Links to files, at a line: in the browser if `code_url` is set, else in an editor on this machine.

        files: by the text of the link.
        """
        with warnings.catch_warnings():
            # Dagster calls these classes beta. Its pages show them.
            warnings.simplefilter("ignore", dg.BetaWarning)
            return dg.CodeReferencesMetadataValue(
                code_references=[self._code(label, path, line) for label, path in files.items()]
            )

    def _code(self, label: str, path: Path, line: int) -> dg.LocalFileCodeReference | dg.UrlCodeReference:
        if self.code_url and path.is_relative_to(self.project):
            place = quote(path.relative_to(self.project).as_posix())
            return dg.UrlCodeReference(url=f"{self.code_url}/{place}#L{line}", label=label)
        return dg.LocalFileCodeReference(file_path=str(path), line_number=line, label=label)


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
