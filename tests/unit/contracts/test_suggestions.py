"""An unknown name in a contract is answered with the nearest known name, wherever it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.files import read_contract
from tests.support.contracts import api, column, database, document, upload, write

ID = column("id", "bigint", primaryKey=True)
TIME = column("diubah_pada", "timestamp", required=True)


def database_document(*columns: dict[str, Any], **custom: Any) -> dict[str, Any]:
    more = {"extract": {"table": "t"}, **custom}
    return document("dinas/uji", [ID, *columns], database("UJI_URL"), **more)


def api_document(**extract: Any) -> dict[str, Any]:
    return document("dinas/uji", [ID], api("UJI_URL"), extract={"path": "/v1", **extract})


def upload_document(**extract: Any) -> dict[str, Any]:
    more = {"format": "csv", "pattern": "*", **extract}
    return document("dinas/uji", [ID, column("kecamatan")], upload("dinas/uji", "csv"), extract=more)


def with_key_renamed(name: str, as_: str) -> dict[str, Any]:
    """The document with one of its top-level keys renamed."""
    made = database_document()
    made[as_] = made.pop(name)
    return made


def with_server(**more: Any) -> dict[str, Any]:
    made = database_document()
    made["servers"][0] |= more
    return made


@pytest.mark.parametrize(
    ("document_", "meant"),
    [
        (with_key_renamed("domain", "domian"), "domain"),
        (database_document({**column("a"), "bussinessName": "A"}), "businessName"),
        (database_document({**column("a"), "classification": "terbukaa"}), "terbuka"),
        (database_document({**column("a"), "physicalType": "texts"}), "text"),
        (database_document({**column("a"), "physicalType": "varchar(20)"}), "text"),
        (database_document(column("a", logicalTypeOptions={"minLenght": 1})), "minLength"),
        (database_document(column("a", logicalTypeOptions={"format": "npsm"})), "npsn"),
        (database_document(column("a", "date", parse="tangal_id")), "tanggal_id"),
        (database_document(column("a", "numeric", parse="satuan", satuan="hektarr")), "hektar"),
        (database_document(write_dispositon="merge"), "write_disposition"),
        (database_document(write_disposition="merged"), "merge"),
        (database_document(TIME, write_disposition="merge", cursor="dirubah_pada"), "diubah_pada"),
        (database_document(TIME, partition={"column": "diubah_pda", "every": "daily", "start": "2026-01-01"}), "diubah_pada"),
        (database_document(TIME, partition={"column": "diubah_pada", "every": "day", "start": "2026-01-01"}), "daily"),
        (database_document(extract={"tabel": "t"}), "table"),
        (with_server(locaton="x"), "location"),
        (with_server(type="cuztom"), "custom"),
        ({**database_document(), "slaProperties": [{"property": "latensy", "value": 1, "unit": "d"}]}, "latency"),
        ({**database_document(), "slaProperties": [{"property": "latency", "value": 1, "unit": "dayz"}]}, "day"),
        ({**database_document(TIME), "slaProperties": [
            {"property": "frequency", "value": 1, "unit": "d", "element": "uji.dirubah_pada"}]}, "uji.diubah_pada"),
        (api_document(shape="key"), "keyed"),
        (api_document(auth={"type": "beerer", "token": "${X}"}), "bearer"),
        (api_document(pagination={"type": "page", "parm": "p", "last_page": "empty"}), "param"),
        (upload_document(fill_down=["kecamatn"]), "kecamatan"),
        (upload_document(delimeter=";"), "delimiter"),
    ],
)  # fmt: skip
def test_unknown_name_is_answered_with_the_nearest(
    tmp_path: Path, document_: dict[str, Any], meant: str
) -> None:
    found = read_contract(write(tmp_path, document_))[1]
    assert f"maksudnya {meant}?" in " ".join(fault.hint for fault in found), found


def test_sla_property_of_odcs_that_is_not_used_here_is_accepted(tmp_path: Path) -> None:
    made = database_document()
    made["slaProperties"] = [{"property": "availability", "value": 99, "unit": "percent"}]
    assert read_contract(write(tmp_path, made))[1] == []
