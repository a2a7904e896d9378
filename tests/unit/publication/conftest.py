"""Fixtures for the tests of publication/."""

from __future__ import annotations

import pytest

from tests.support.open_data_project import OpenDataProject


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory: pytest.TempPathFactory) -> OpenDataProject:
    """One project for all tests of a module, because reading its contracts takes time."""
    return OpenDataProject(tmp_path_factory.mktemp("proyek"))


@pytest.fixture
def project(shared_project: OpenDataProject) -> OpenDataProject:
    """The shared project without a model."""
    return shared_project.without_models()
