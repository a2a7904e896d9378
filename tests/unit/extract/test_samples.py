"""How sources with made-up data are recognised."""

from __future__ import annotations

from pathlib import Path

from pipelines.extract.samples import SOURCES, hash_list, is_sample
from tests.support.extracts import api_contract, upload_contract


def test_api_or_database_is_a_sample_if_the_demo_set_its_variable() -> None:
    contract = api_contract("id")
    assert is_sample(contract, None, {SOURCES: "GUDANG_LAIN,GUDANG_SUMBER_UJI_URL"})
    assert not is_sample(contract, None, {SOURCES: "GUDANG_LAIN"})
    assert not is_sample(contract, None, {})


def test_upload_is_a_sample_if_the_demo_wrote_the_file(tmp_path: Path) -> None:
    contract, env = upload_contract("id"), {"GUDANG_HOME": str(tmp_path)}
    assert not is_sample(contract, "ab" * 32, env)
    hash_list(tmp_path).parent.mkdir(parents=True)
    hash_list(tmp_path).write_text("ab" * 32 + "\n" + "cd" * 32 + "\n")
    assert is_sample(contract, "cd" * 32, env)
    assert not is_sample(contract, "ef" * 32, env)
