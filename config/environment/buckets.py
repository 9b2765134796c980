"""Read how to reach the bucket that keeps the media; config.settings calls this once."""

from typing import Any
from urllib.parse import urlsplit

from config.environment.env import env, text

# Files that are read back, such as for a ZIP, are spooled to disk above this size.
MAX_MEMORY_BYTES = 8 * 1024 * 1024
# Aliyun OSS knows buckets by their host name only, and refuses the chunks that boto3 signs with v4.
ALIYUN_HOST = "aliyuncs.com"
ADDRESSING = ("auto", "path", "virtual")


def read_options(bucket: str) -> dict[str, Any]:
    """The options of the S3 storage; without a bucket they are read and not used."""
    endpoint = _url(text("S3_ENDPOINT", "ALIYUN_OSS_ENDPOINT"))
    options = {
        "bucket_name": bucket,
        "access_key": text("S3_ACCESS_KEY", "ALIYUN_OSS_ACCESS_KEY", secret=True) or None,
        "secret_key": text("S3_SECRET_KEY", "ALIYUN_OSS_SECRET_KEY", secret=True) or None,
        "endpoint_url": endpoint or None,
        "public_endpoint_url": _url(text("S3_PUBLIC_ENDPOINT")) or None,
        "region_name": text("S3_REGION") or None,
        "default_acl": None,
        "file_overwrite": True,
        "max_memory_size": MAX_MEMORY_BYTES,
    }
    if bucket:
        options["client_config"] = client_config(endpoint)
    else:
        _choices(endpoint)
    return options


def read_backup_options() -> dict[str, Any]:
    """The options of the client for the bucket of backups; without one they are read and not used.

    What is not set is that of the bucket of media.
    """
    endpoint = text("BACKUP_S3_ENDPOINT", "S3_ENDPOINT", "ALIYUN_OSS_ENDPOINT")
    keys = ("BACKUP_S3_ACCESS_KEY", "S3_ACCESS_KEY", "ALIYUN_OSS_ACCESS_KEY")
    secrets = ("BACKUP_S3_SECRET_KEY", "S3_SECRET_KEY", "ALIYUN_OSS_SECRET_KEY")
    return {
        "aws_access_key_id": text(*keys, secret=True) or None,
        "aws_secret_access_key": text(*secrets, secret=True) or None,
        "endpoint_url": _url(endpoint) or None,
        "region_name": text("BACKUP_S3_REGION", "S3_REGION") or None,
    }


def client_config(endpoint: str) -> Any:
    """How a client speaks with the server at an endpoint; "" is AWS."""
    return _client_config(*_choices(endpoint))


def _choices(endpoint: str) -> tuple[str, str, str]:
    is_aliyun = (urlsplit(endpoint).hostname or "").endswith(ALIYUN_HOST)
    # With "auto" URLs of AWS are signed for a host that redirects to the one of the region.
    by_host = is_aliyun or not endpoint
    addressing = _choice("S3_ADDRESSING", "virtual" if by_host else "auto", *ADDRESSING)
    signature = _choice("S3_SIGNATURE", "s3" if is_aliyun else "s3v4", "s3", "s3v4")
    checksums = _choice("S3_CHECKSUMS", "when_required", "when_supported")
    return addressing, signature, checksums


def _url(endpoint: str) -> str:
    return f"https://{endpoint}" if endpoint and "://" not in endpoint else endpoint


def _choice(name: str, default: str, *others: str) -> str:
    def parse(value: str) -> str:
        if value not in {default, *others}:
            raise ValueError(f"expected one of {', '.join(sorted({default, *others}))}")
        return value

    return env(name, default=default, parse=parse)


def _client_config(addressing: str, signature: str, checksums: str) -> Any:
    from botocore.config import Config  # noqa: PLC0415 - slow to import, and only for a bucket

    return Config(
        s3={"addressing_style": addressing},
        signature_version=signature,
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        connect_timeout=5,
        read_timeout=30,
    )
