"""The GUDANG_SUMBER_* variables that lead to the demo OPD.

What belongs here: their names and values, and nothing that takes time to import, because every command asks for them.
Not here: what the variables lead to (databases.py, api.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

DATABASES: Mapping[str, str] = {
    "GUDANG_SUMBER_DKP3A_URL": "demo_dkp3a",
    "GUDANG_SUMBER_DINKES_URL": "demo_dinkes",
    "GUDANG_SUMBER_BAPENDA_URL": "demo_bapenda",
    "GUDANG_SUMBER_BPKAD_URL": "demo_bpkad",
    "GUDANG_SUMBER_BKD_URL": "demo_bkd",
    "GUDANG_SUMBER_DISDIKBUD_URL": "demo_disdikbud",
}
"""The variable and the database of each OPD that has one."""

CREDENTIALS: Mapping[str, str] = {
    "GUDANG_SUMBER_DPMPTSP_TOKEN": "contoh-dpmptsp",
    "GUDANG_SUMBER_DISPERINDAGKOP_KEY": "contoh-disperindagkop",
    "GUDANG_SUMBER_DISKOMINFO_PASSWORD": "contoh-diskominfo",
    "GUDANG_SUMBER_DLH_KEY": "contoh-dlh",
    "GUDANG_SUMBER_DISNAKERTRANS_TOKEN": "contoh-disnakertrans",
    "GUDANG_SUMBER_BPS_KEY": "contoh-bps",
}
"""The demo's keys; they open nothing but the demo on loopback."""

SERVERS = ("DPMPTSP", "DISPERINDAGKOP", "DISKOMINFO", "DLH", "DISNAKERTRANS", "BPS")
"""The names in the variables GUDANG_SUMBER_<name>_URL that get the address of the demo's API server."""

_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}


def with_driver(url: str) -> str:
    """The URL of a PostgreSQL or MariaDB server with the driver by which the demo reaches it.

    Raises ValueError for another kind of server.
    """
    scheme, colon, rest = url.partition(":")
    backend = scheme.split("+")[0]
    if backend not in _DRIVERS:
        raise ValueError(f"the demo can be made in PostgreSQL and MariaDB, not in {backend}")
    return f"{_DRIVERS[backend]}{colon}{rest}"


def database_urls(url: str) -> dict[str, str]:
    """GUDANG_SUMBER_*_URL and its value for each demo database on the server of `url`; with driver."""
    server = urlsplit(with_driver(url))
    return {
        variable: f"{server.scheme}://{server.netloc}/{name}" + (f"?{server.query}" if server.query else "")
        for variable, name in DATABASES.items()
    }


def variables(url: str, api_port: int) -> dict[str, str]:
    """All variables: of the databases on the server of `url`, and of the APIs on a port of the loopback."""
    apis = {f"GUDANG_SUMBER_{name}_URL": f"http://127.0.0.1:{api_port}" for name in SERVERS}
    return database_urls(url) | apis | dict(CREDENTIALS)
