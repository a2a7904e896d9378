"""An upload zone in S3, tested against a real HTTP server that speaks S3's protocol (moto)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from pipelines.errors import SourceError
from pipelines.extract.source import open_source
from pipelines.extract.stream import Wanted
from pipelines.extract.upload.files import put_upload
from pipelines.extract.upload.inbox import find_uploads
from pipelines.extract.upload.zone import upload_zone
from pipelines.settings import Settings
from tests.support.extracts import upload_contract
from tests.support.s3_server import SECRET, s3_server
from tests.support.uploads import read, write

AB = upload_contract("a", "b", pattern="*.csv")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with s3_server(monkeypatch) as name:
        yield name


def test_file_in_a_bucket_is_written_listed_read_replaced_and_missed(bucket: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, project=tmp_path, warehouse_url=None)
    assert find_uploads(upload_zone(settings), AB) == []
    put_upload(upload_zone(settings), AB.key, write(tmp_path, "a,b\n1,2\n", "data.csv"))
    (before,) = find_uploads(upload_zone(settings), AB)
    assert (before.name, before.size, before.is_remote) == ("data.csv", 8, True)
    stream = open_source(AB, wanted=Wanted(), upload=before)
    assert stream is not None
    assert read(stream) == [["1", "2", "baris 2"]]
    assert stream.fingerprint == before.sha256 == hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    put_upload(upload_zone(settings), AB.key, write(tmp_path, "a,b\n1,2\n3,4\n", "data.csv"))
    (after,) = find_uploads(upload_zone(settings), AB)
    assert after.sha256 != before.sha256
    boto3.client("s3").delete_object(Bucket=bucket, Key=f"unggahan/{AB.key}/data.csv")
    assert find_uploads(upload_zone(settings), AB) == []
    with pytest.raises(SourceError, match="sudah tidak ada"):
        open_source(AB, wanted=Wanted(), upload=after)


def test_error_of_a_missing_bucket_does_not_show_the_secret_key(
    bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GUDANG_UPLOAD_ZONE", "s3://tiada/unggahan")
    settings = Settings(home=tmp_path, project=tmp_path, warehouse_url=None)
    with pytest.raises(SourceError) as caught:
        put_upload(upload_zone(settings), AB.key, write(tmp_path, "a,b\n1,2\n", "data.csv"))
    assert "data.csv tidak dapat ditaruh" in caught.value.message and SECRET not in str(caught.value)
