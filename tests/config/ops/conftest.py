"""A server with the API of S3."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest

from tests.backing import free_port


@pytest.fixture(scope="session")
def s3() -> Iterator[Any]:
    """A client of an S3 server without buckets."""
    from moto.server import ThreadedMotoServer  # slow to import, and every worker collects this

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    server.stop()


@pytest.fixture
def bucket(s3: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket, whose server and key are in the environment."""
    name = f"b{uuid4().hex}"
    s3.create_bucket(Bucket=name)
    monkeypatch.setenv("S3_ENDPOINT", s3.meta.endpoint_url)
    monkeypatch.setenv("S3_ACCESS_KEY", "key")
    monkeypatch.setenv("S3_SECRET_KEY", "secret")
    return name
