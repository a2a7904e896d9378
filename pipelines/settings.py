"""Folders, URLs and keys of an installation: from the environment, with defaults for the embedded server.

What belongs here: names and defaults of environment variables. Not here: starting servers (runtime/embedded.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import ContractError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PSEUDONYM_KEY = "GUDANG_PSEUDONYM_KEY"
_REFERENCE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where one installation keeps its project, its state and its warehouse.

    home: state of the installation (embedded server, upload zone, publications, Dagster's logs).
    project: the folder that holds contracts/, expectations/ and dbt_like_sql/.
    warehouse_url: SQLAlchemy URL of the warehouse, or None for the embedded server.
    """

    home: Path
    project: Path
    warehouse_url: str | None

    @property
    def contracts_dir(self) -> Path:
        """The folder of the contracts."""
        return self.project / "contracts"

    @property
    def expectations_dir(self) -> Path:
        """The folder of the suites."""
        return self.project / "expectations"

    @property
    def models_dir(self) -> Path:
        """The folder of the SQL models."""
        return self.project / "dbt_like_sql"

    @property
    def publication_dir(self) -> Path:
        """The folder that publications are written to."""
        return Path(os.environ.get("GUDANG_PUBLICATION_DIR", self.home / "publikasi"))

    @property
    def dagster_home(self) -> Path:
        """The folder of Dagster's own state."""
        return Path(os.environ.get("DAGSTER_HOME", self.home / "dagster"))


def load_settings(env: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `env`: GUDANG_HOME, GUDANG_PROJECT and GUDANG_WAREHOUSE_URL."""
    project = Path(env.get("GUDANG_PROJECT", PROJECT_ROOT)).resolve()
    home = Path(env.get("GUDANG_HOME", project / ".gudang")).resolve()
    return Settings(home=home, project=project, warehouse_url=env.get("GUDANG_WAREHOUSE_URL") or None)


def references(text: str) -> tuple[str, ...]:
    """The names of the environment variables that `text` mentions as ${NAME}."""
    return tuple(_REFERENCE.findall(text))


def resolve(subject: str, text: str, env: Mapping[str, str] = os.environ) -> str:
    """`text` with every ${NAME} replaced from `env`. Raises ContractError naming the variable that is missing."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if not env.get(name):
            raise ContractError(
                subject, f"variabel lingkungan {name} belum diisi", hint=f"isi {name} di .env"
            )
        return env[name]

    return _REFERENCE.sub(value, text)
