"""The Content-Security-Policy names where pages may load media from."""

from typing import Any

import pytest
from django.conf import LazySettings

from config.environment.buckets import read_options
from config.http import headers

LOCAL = "http://127.0.0.1:9000"
ALIYUN = "https://oss-cn-hangzhou.aliyuncs.com"


def media_sources(settings: LazySettings, **environment: str) -> set[str]:
    """Return the sources of films besides our own, when these settings lead to a bucket."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        options = read_options("films")
    s3: dict[str, Any] = {"BACKEND": "videos.media.bucket.BucketStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": s3}
    settings.S3_BUCKET = "films"
    policy = dict(part.split(" ", 1) for part in headers.content_security_policy().split("; "))
    pictures = set(policy["img-src"].split()) - {"'self'", "data:", "blob:"}
    films = set(policy["media-src"].split()) - {"'self'", "blob:"}
    assert pictures == films
    return films


@pytest.mark.parametrize(
    ("environment", "origin"),
    [
        ({}, "https://films.s3.amazonaws.com"),
        ({"S3_REGION": "eu-central-1"}, "https://films.s3.eu-central-1.amazonaws.com"),
        (
            {"S3_REGION": "eu-central-1", "S3_ADDRESSING": "path"},
            "https://s3.eu-central-1.amazonaws.com",
        ),
        ({"S3_ENDPOINT": LOCAL}, LOCAL),
        (
            {"S3_ENDPOINT": "https://minio.example.com", "S3_ADDRESSING": "virtual"},
            "https://films.minio.example.com",
        ),
        (
            {"S3_ENDPOINT": "http://minio:9000", "S3_PUBLIC_ENDPOINT": "https://media.example.com"},
            "https://media.example.com",
        ),
        ({"ALIYUN_OSS_ENDPOINT": ALIYUN}, "https://films.oss-cn-hangzhou.aliyuncs.com"),
    ],
)
def test_policy_names_the_origin_of_the_bucket(
    settings: LazySettings, environment: dict[str, str], origin: str
) -> None:
    keys = {"S3_ACCESS_KEY": "key", "S3_SECRET_KEY": "secret"}
    assert media_sources(settings, **keys, **environment) == {origin}


def test_policy_names_the_cdn_too(settings: LazySettings) -> None:
    settings.CDN_URL = "https://cdn.example.com"
    assert media_sources(settings, S3_ENDPOINT=LOCAL) == {"https://cdn.example.com", LOCAL}
