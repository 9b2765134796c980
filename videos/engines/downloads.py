"""Download results from URLs an engine names, from allowed hosts only.

The engine's key goes to no other host than its own.
"""

import re
import time
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import IO
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx2
from django.conf import settings

from videos.engines import json_api, partial_answers
from videos.engines.errors import BadAnswer, Gone, NotReady, Refused, Unavailable
from videos.engines.result_streams import Part, ResultStream

MAX_REQUESTS = 4
MAX_SECONDS = 600
CHUNK_BYTES = 256 * 1024
PORTS = {"https": 443, "http": 80}


class ForeignHost(Refused):
    """The URL is not on an allowed host; nothing was sent there."""

    code = "foreign_result"


class ResultStore:
    """The hosts of one engine's results: `hosts` as host or host:port, by default its own host.

    A host may be "*.example.com", which allows every host below example.com, but not itself.
    Plain HTTP is allowed only if the engine itself is reached by it. `key_headers` are sent to the
    engine's own host, which is then allowed besides `hosts`, and never to another.
    """

    def __init__(
        self,
        client: httpx2.Client,
        base_url: str,
        hosts: str,
        key_headers: Mapping[str, str] | None = None,
    ) -> None:
        self._client, self._key_headers = client, key_headers or {}
        base = urlsplit(base_url)
        self._schemes = {"https", base.scheme}
        listed = [host for host in re.split(r"[,\s]+", hosts.lower()) if host]
        named = {host if ":" in host else f"{host}:443" for host in listed}
        self._own = (base.scheme, _host_and_port(base))
        self._hosts = named | {self._own[1]} if self._key_headers or not named else named

    def save(self, url: str, to: IO[bytes]) -> None:
        """Download a URL to `to`, checking every redirect like the URL itself.

        Raises ForeignHost before anything is sent there, or another EngineError.
        """
        for _ in range(MAX_REQUESTS):
            self.check(url)
            try:
                with self._client.stream("GET", url, headers=self._headers(url)) as answer:
                    if not answer.has_redirect_location:
                        _write_body(answer, to)
                        return
                    url = urljoin(url, answer.headers["Location"])
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise Unavailable(str(error)) from error
        raise BadAnswer("too many redirects")

    def open(self, url: str, part: Part) -> ResultStream:
        """Open a part of the file at a URL, checking every redirect like the URL itself.

        Raises ForeignHost before anything is sent there, or another EngineError.
        """
        for _ in range(MAX_REQUESTS):
            self.check(url)
            headers = {**self._headers(url), **part.headers}
            try:
                request = self._stream_client.build_request("GET", url, headers=headers)
                answer = self._stream_client.send(request, stream=True)
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise Unavailable(str(error)) from error
            if not answer.has_redirect_location:
                return partial_answers.read_part(answer, part)
            answer.close()
            url = urljoin(url, answer.headers["Location"])
        raise BadAnswer("too many redirects")

    @cached_property
    def _stream_client(self) -> httpx2.Client:
        return json_api.stream_client(self._client)

    def _headers(self, url: str) -> Mapping[str, str]:
        parts = urlsplit(url)
        return self._key_headers if (parts.scheme, _host_and_port(parts)) == self._own else {}

    def check(self, url: str) -> None:
        """Raise ForeignHost for a URL that is not on an allowed host."""
        try:
            parts = urlsplit(url)
            host, plain = (
                _host_and_port(parts),
                url.isascii() and url.isprintable() and "\\" not in url,
            )
        except ValueError as error:
            raise ForeignHost("the URL cannot be parsed") from error
        known = self._allows(host) and parts.scheme in self._schemes
        if not (plain and known) or "@" in parts.netloc:
            raise ForeignHost(f"{parts.scheme}://{host} is not among the allowed result hosts")

    def _allows(self, host: str) -> bool:
        labels = host.split(".")
        above = {f"*.{'.'.join(labels[count:])}" for count in range(1, len(labels))}
        return bool(self._hosts & {host, *above})


def _host_and_port(parts: SplitResult) -> str:
    """host:port, with the default port of the scheme when the URL names none."""
    return f"{parts.hostname or ''}:{parts.port or PORTS.get(parts.scheme, 0)}"


def _write_body(answer: httpx2.Response, to: IO[bytes]) -> None:
    status = answer.status_code
    if status == 410:
        raise Gone("HTTP 410")
    if status >= 500 and status != 502:
        raise Unavailable(f"HTTP {status}")
    if status != 200:
        raise NotReady(f"HTTP {status}")
    write_chunks(answer.iter_bytes(CHUNK_BYTES), to)


def write_chunks(chunks: Iterable[bytes], to: IO[bytes]) -> None:
    """Write chunks to a file. Raises Unavailable above RESULT_MAX_BYTES or MAX_SECONDS."""
    size, until = 0, time.monotonic() + MAX_SECONDS
    for chunk in chunks:
        size += len(chunk)
        if size > settings.RESULT_MAX_BYTES or time.monotonic() > until:
            raise Unavailable("a file that is too large or too slow")
        to.write(chunk)
