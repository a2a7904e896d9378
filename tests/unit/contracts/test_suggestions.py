"""A name that nobody knows is answered with the nearest known one, wherever it stands in a contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.files import read_contract
from tests.support.contracts import api, column, database, document, upload, write

ID = column("id", "bigint", primaryKey=True)
TIME = column("diubah_pada", "timestamp", required=True)


def of_database(*columns: dict[str, Any], **custom: Any) -> dict[str, Any]:
    more = {"extract": {"table": "t"}, **custom}
    return document("dinas/uji", [ID, *columns], database("UJI_URL"), **more)


def of_api(**extract: Any) -> dict[str, Any]:
    return document("dinas/uji", [ID], api("UJI_URL"), extract={"path": "/v1", **extract})


def of_upload(**extract: Any) -> dict[str, Any]:
    more = {"format": "csv", "pattern": "*", **extract}
    return document("dinas/uji", [ID, column("kecamatan")], upload("dinas/uji", "csv"), extract=more)


def renamed(name: str, as_: str) -> dict[str, Any]:
    """The document with one of its top keys under another name."""
    made = of_database()
    made[as_] = made.pop(name)
    return made


def with_server(**more: Any) -> dict[str, Any]:
    made = of_database()
    made["servers"][0] |= more
    return made


@pytest.mark.parametrize(
    ("document_", "meant"),
    [
        (renamed("domain", "domian"), "domain"),
        (of_database({**column("a"), "bussinessName": "A"}), "businessName"),
        (of_database({**column("a"), "classification": "terbukaa"}), "terbuka"),
        (of_database({**column("a"), "physicalType": "texts"}), "text"),
        (of_database({**column("a"), "physicalType": "varchar(20)"}), "text"),
        (of_database(column("a", logicalTypeOptions={"minLenght": 1})), "minLength"),
        (of_database(column("a", logicalTypeOptions={"format": "npsm"})), "npsn"),
        (of_database(column("a", "date", parse="tangal_id")), "tanggal_id"),
        (of_database(column("a", "numeric", parse="satuan", satuan="hektarr")), "hektar"),
        (of_database(write_dispositon="merge"), "write_disposition"),
        (of_database(write_disposition="merged"), "merge"),
        (of_database(TIME, write_disposition="merge", cursor="dirubah_pada"), "diubah_pada"),
        (of_database(TIME, partition={"column": "diubah_pda", "every": "daily", "start": "2026-01-01"}), "diubah_pada"),
        (of_database(TIME, partition={"column": "diubah_pada", "every": "day", "start": "2026-01-01"}), "daily"),
        (of_database(extract={"tabel": "t"}), "table"),
        (with_server(locaton="x"), "location"),
        (with_server(type="cuztom"), "custom"),
        ({**of_database(), "slaProperties": [{"property": "latensy", "value": 1, "unit": "d"}]}, "latency"),
        ({**of_database(), "slaProperties": [{"property": "latency", "value": 1, "unit": "dayz"}]}, "day"),
        ({**of_database(TIME), "slaProperties": [
            {"property": "frequency", "value": 1, "unit": "d", "element": "uji.dirubah_pada"}]}, "uji.diubah_pada"),
        (of_api(shape="key"), "keyed"),
        (of_api(auth={"type": "beerer", "token": "${X}"}), "bearer"),
        (of_api(pagination={"type": "page", "parm": "p", "last_page": "empty"}), "param"),
        (of_upload(fill_down=["kecamatn"]), "kecamatan"),
        (of_upload(delimeter=";"), "delimiter"),
    ],
)  # fmt: skip
def test_the_nearest_name_is_suggested(tmp_path: Path, document_: dict[str, Any], meant: str) -> None:
    found = read_contract(write(tmp_path, document_))[1]
    assert f"maksudnya {meant}?" in " ".join(fault.hint for fault in found), found


def test_a_property_of_an_sla_that_odcs_names_is_free(tmp_path: Path) -> None:
    made = of_database()
    made["slaProperties"] = [{"property": "availability", "value": 99, "unit": "percent"}]
    assert read_contract(write(tmp_path, made))[1] == []
