"""The outbox of a zone on another machine, by SFTP and in S3: written whole, not read, and deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from pipelines.extract.upload.files import put_aside
from pipelines.extract.upload.inbox import find_uploads, unknown_files
from pipelines.extract.upload.zone import Zone, remote_zone
from pipelines.feedback.asked_previews import answer_all, ask, asked
from pipelines.feedback.outbox import DONE, add_text, put_folder, remove_folder
from pipelines.loket.outbox import returned_files
from pipelines.retention.hidden import sweep_aside
from tests.support.contracts import column
from tests.support.feedback import ToldOpd
from tests.support.s3_server import ZONE, s3_server
from tests.support.sftp_server import ACCOUNT, SftpServer

PLACE = "uji/_umpan_balik/data/7-januari"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    (tmp_path / "zona").mkdir()
    made = SftpServer(tmp_path / "zona")
    yield made
    made.stop()


@pytest.fixture
def zone(server: SftpServer) -> Zone:
    return remote_zone(f"sftp://{ACCOUNT}@127.0.0.1:{server.port}/", server.environment(), silence_s=5)


def test_folder_is_written_replaced_and_deleted(zone: Zone, server: SftpServer, tmp_path: Path) -> None:
    content = tmp_path / "isi"
    content.mkdir()
    target = server.folder / PLACE
    killed = target.parent / ".0123456789abcdef.part"
    killed.mkdir(parents=True)
    (killed / "ringkas.json").write_text("nol")
    for text in ("satu", "dua"):
        (content / "ringkas.json").write_text(text)
        put_folder(zone, PLACE, content, "uji/data")
        assert [(p.name, p.read_text()) for p in target.iterdir()] == [("ringkas.json", text)]
        assert [p.name for p in target.parent.iterdir()] == [target.name]
    add_text(zone, PLACE, DONE, "selesai", "uji/data")
    assert (target / DONE).read_text() == "selesai"
    for _ in range(2):
        remove_folder(zone, PLACE, "uji/data")
        assert not target.exists()
    add_text(zone, PLACE, DONE, "selesai", "uji/data")
    assert not target.exists()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with s3_server(monkeypatch) as name:
        yield name


def keys(bucket: str) -> dict[str, bytes]:
    """The objects of the bucket below the zone."""
    client = boto3.client("s3")
    found = client.list_objects_v2(Bucket=bucket, Prefix="unggahan/").get("Contents", [])
    return {
        one["Key"].removeprefix("unggahan/"): client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
        for one in found
    }


def test_folder_in_a_bucket_is_written_replaced_and_deleted(bucket: str, tmp_path: Path) -> None:
    zone = remote_zone(ZONE, {})
    content = tmp_path / "isi"
    content.mkdir()
    (content / "lama.csv").write_text("lama")
    for text in ("satu", "dua"):
        (content / "ringkas.json").write_text(text)
        put_folder(zone, PLACE, content, "uji/data")
        (content / "lama.csv").unlink(missing_ok=True)
    assert keys(bucket) == {f"{PLACE}/ringkas.json": b"dua"}
    add_text(zone, PLACE, DONE, "selesai", "uji/data")
    assert keys(bucket)[f"{PLACE}/{DONE}"] == b"selesai"
    for _ in range(2):
        remove_folder(zone, PLACE, "uji/data")
        assert keys(bucket) == {}
    add_text(zone, PLACE, DONE, "selesai", "uji/data")
    assert keys(bucket) == {}


def test_an_opd_gets_its_file_back_in_a_bucket(bucket: str, warehouse_url: str, tmp_path: Path) -> None:
    """The whole way: sent, loaded, told, read by the loket, corrected, over. No listing takes what is in the outbox."""
    opd = ToldOpd(warehouse_url, tmp_path)
    contract = opd.dataset(
        "uji/data",
        "csv",
        column("kode", required=True),
        column("jumlah", "integer"),
        extract={"pattern": "*.csv"},
    )
    file = tmp_path / "data.csv"
    file.write_text("kode,jumlah\nA,1\nB,dua\n")
    assert opd.send(contract, file) == "loaded"
    opd.tell()
    ((batch, folder),) = opd.loads.run("select batch_id, folder from ops.feedback")
    found = keys(bucket)
    assert {name.rpartition("/")[2] for name in found if name.startswith(folder)} >= {
        "data.csv", "temuan.csv", "ringkas.json", "index.html"
    }  # fmt: skip
    assert b"dua" in found[f"{folder}/data.csv"]
    returned = returned_files(opd.zone, contract, batch, "data.csv")
    assert "index.html" in [one.name for one in returned] and all(one.size for one in returned)
    assert [one.name for one in find_uploads(opd.zone, contract)] == ["data.csv"]
    assert unknown_files(opd.zone, {}, [contract.key]) == []

    number = ask(opd.loads.connection, opd.zone, contract, file, "data.csv", "rina")
    assert any(name.endswith(".pratinjau") for name in keys(bucket))
    answer_all(opd.loads.connection, [contract], opd.settings, opd.zone)
    question = asked(opd.loads.connection, contract.key, number)
    assert question is not None and question.answer is not None and question.answer.is_known
    assert not any(name.endswith(".pratinjau") for name in keys(bucket))
    place, later = put_aside(opd.zone, contract.key, file), time.time() + 3_600
    assert sweep_aside(opd.zone, contract.key, [], later - 7_200) == 0  # it is too young
    assert sweep_aside(opd.zone, contract.key, [place], later) == 0
    assert sweep_aside(opd.zone, contract.key, [], later) == 1
    assert not any(name.endswith(".pratinjau") for name in keys(bucket))

    file.write_text("kode,jumlah\nA,1\nB,2\n")
    assert opd.send(contract, file) == "loaded"
    opd.tell()
    assert f"{folder}/{DONE}" in keys(bucket)
    opd.loads.connection.close()
