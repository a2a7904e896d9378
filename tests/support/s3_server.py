"""An S3 server on the loopback (moto), which speaks S3's protocol by HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from fsspec import get_filesystem_class
from moto.server import ThreadedMotoServer

BUCKET = "zona"
ZONE = f"s3://{BUCKET}/unggahan"
SECRET = "s3cret"


@contextmanager
def s3_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Runs the server with an empty bucket, which the environment names as the upload zone. Gives the bucket's name."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ACCESS_KEY_ID": "uji",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "GUDANG_UPLOAD_ZONE": ZONE,
        "NO_PROXY": "*",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    try:
        yield BUCKET
    finally:
        # fsspec keeps the connections of a process by URL, and the next server has another port.
        get_filesystem_class("s3").clear_instance_cache()
        server.stop()
