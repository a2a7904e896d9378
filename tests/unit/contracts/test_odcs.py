"""ODCS's schema: which documents have a fault, and at which places."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from importlib import resources
from typing import Any

import jsonschema
import pytest
import yaml

from pipelines.contracts import odcs
from pipelines.settings import PROJECT_ROOT
from tests.support.repository import own_contracts

WRONG = (5, True, None, {}, [], "zzz", [1, 1], {"a": 1})
PATHS = tuple(contract.path for contract in own_contracts())


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((PROJECT_ROOT / f"contracts/{name}.odcs.yaml").read_text("utf-8"))


def test_wrong_value_is_the_only_fault_of_its_column() -> None:
    document = read("dinkes/kunjungan")
    document["schema"][0]["properties"][0]["businessName"] = 5
    assert odcs.faults(document) == [
        (
            ("schema", 0, "properties", 0, "businessName"),
            "5 adalah angka, padahal harus teks",
            "tulis dalam tanda kutip: '5'",
        )
    ]


def test_unknown_key_beside_a_wrong_value_is_a_fault_too() -> None:
    document = read("dinkes/kunjungan")
    document["schema"][0]["properties"][0] |= {"businessName": 5, "klasifikasi": "terbuka"}
    assert {where[-1] for where, *_ in odcs.faults(document)} == {"businessName", "klasifikasi"}


@pytest.mark.parametrize("number", [10**400, float("inf"), float("nan")])
def test_number_of_any_size_is_a_number(number: float) -> None:
    document = read("dinkes/kunjungan")
    document["schema"][0]["properties"][0]["logicalTypeOptions"] = {"maximum": number}
    assert odcs.faults(document) == []


def test_document_that_is_nested_too_deep_has_a_fault() -> None:
    nested: list[Any] = []
    for _ in range(300):
        nested = [nested]
    assert odcs.faults(read("dinkes/kunjungan") | {"tags": nested}) == [
        ((), "dokumen bersarang terlalu dalam", "lihat docs/contracts/index.md")
    ]


def places(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Gives the places of all values in a document, except its root."""
    if where:
        yield where
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, (*where, key))


@pytest.mark.parametrize("seed", range(40))
def test_document_has_faults_if_another_validator_finds_errors(seed: int) -> None:
    """A document with one wrong value is judged by jsonschema, too, which GX brings."""
    chance = random.Random(seed)
    document = yaml.safe_load(chance.choice(PATHS).read_text("utf-8"))
    *above, last = chance.choice(list(places(document)))
    changed = copy.deepcopy(document)
    part = changed
    for key in above:
        part = part[key]
    part[last] = chance.choice(WRONG)
    schema = resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
    other = jsonschema.Draft201909Validator(json.loads(schema))
    assert (odcs.faults(changed) == []) == other.is_valid(json.loads(json.dumps(changed, default=str)))
