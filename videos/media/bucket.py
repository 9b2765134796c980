"""The storage of media in a bucket: django-storages, with cheap signed URLs for browsers."""

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from storages.backends.s3 import S3Storage
from storages.utils import clean_name


class BucketStorage(S3Storage):  # type: ignore[misc] # django-storages has no types
    """Signs with one client for all threads, which clients allow.

    Every request runs in a thread of its own, and the storage builds a client for each thread,
    which costs 0.1 s of CPU time.
    """

    def get_default_settings(self) -> dict[str, Any]:
        # Where browsers reach the server, if its endpoint is a name that only we know.
        return {**super().get_default_settings(), "public_endpoint_url": None}

    def url(
        self,
        name: str,
        parameters: dict[str, str] | None = None,
        expire: int | None = None,
        http_method: str | None = None,
    ) -> str:
        """A URL for a GET, signed for `expire` seconds, an hour by default.

        `parameters` are those of get_object, such as ResponseContentType.
        """
        key = clean_name(name)
        signed: str = self._signing_client.generate_presigned_url(
            "get_object",
            Params={**(parameters or {}), "Bucket": self.bucket_name, "Key": key},
            ExpiresIn=expire or self.querystring_expire,
            HttpMethod=http_method,
        )
        return signed

    @property
    def origin(self) -> str:
        """The origin of the signed URLs; it is known without credentials."""
        client = self._client(self.client_config.merge(Config(signature_version=UNSIGNED)))
        params = {"Bucket": self.bucket_name, "Key": "x"}
        parts = urlsplit(client.generate_presigned_url("get_object", Params=params))
        return f"{parts.scheme}://{parts.netloc}"

    @cached_property
    def _signing_client(self) -> Any:
        return self._client(self.client_config)

    def _client(self, config: Config) -> Any:
        session = boto3.Session(self.access_key, self.secret_key)
        return session.client(
            "s3",
            region_name=self.region_name,
            endpoint_url=self.public_endpoint_url or self.endpoint_url,
            config=config,
        )
