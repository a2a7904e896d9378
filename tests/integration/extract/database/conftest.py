"""Fixtures of tests of database sources."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.databases import Source, run_mariadb, run_postgresql, sqlalchemy_url


@pytest.fixture(params=["postgresql", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def source(request: pytest.FixtureRequest) -> Source:
    """An empty database on each kind of server."""
    if request.param == "postgresql":
        url = request.getfixturevalue("pg_url")
        return Source(request.param, sqlalchemy_url(url), partial(run_postgresql, url))
    url = request.getfixturevalue("mariadb_url")
    return Source(request.param, url, partial(run_mariadb, url))
