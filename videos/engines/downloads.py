"""Files at addresses that an engine names: fetched without a key, from allowed hosts only."""

import re
import time
from collections.abc import Iterable
from typing import IO
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx2

from videos.engines.errors import BadAnswer, Gone, NotReady, Refused, Unavailable

HOPS = 4
MAX_BYTES = 1024**3
MAX_SECONDS = 600
CHUNK_BYTES = 256 * 1024
PORTS = {"https": 443, "http": 80}


class Foreign(Refused):
    """An address outside the allowed hosts; nothing was sent there."""

    code = "foreign_result"


class ResultStore:
    """Where one engine keeps its results: `hosts` as host or host:port, by default its own.

    Plain http is taken only where the engine itself is reached by it.
    """

    def __init__(self, client: httpx2.Client, base_url: str, hosts: str) -> None:
        self._client = client
        base = urlsplit(base_url)
        self._schemes = {"https", base.scheme}
        listed = [host for host in re.split(r"[,\s]+", hosts.lower()) if host]
        named = {host if ":" in host else f"{host}:443" for host in listed}
        self._hosts = named or {_place(base)}

    def save(self, url: str, to: IO[bytes]) -> None:
        """Write what is at an address to `to`; every redirect is judged like the address itself.

        Raises Foreign before anything is sent there, or another EngineError.
        """
        for _ in range(HOPS):
            self._judge(url)
            try:
                with self._client.stream("GET", url) as answer:
                    if not answer.has_redirect_location:
                        _write(answer, to)
                        return
                    url = urljoin(url, answer.headers["Location"])
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise Unavailable(str(error)) from error
        raise BadAnswer("too many redirects")

    def _judge(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            place, plain = _place(parts), url.isascii() and url.isprintable() and "\\" not in url
        except ValueError as error:
            raise Foreign("an address that cannot be read") from error
        known = place in self._hosts and parts.scheme in self._schemes
        if not (plain and known) or "@" in parts.netloc:
            raise Foreign(f"{parts.scheme}://{place} is not among the allowed result hosts")


def _place(parts: SplitResult) -> str:
    """host:port, the port of the scheme where none is named."""
    return f"{parts.hostname or ''}:{parts.port or PORTS.get(parts.scheme, 0)}"


def _write(answer: httpx2.Response, to: IO[bytes]) -> None:
    status = answer.status_code
    if status == 410:
        raise Gone("HTTP 410")
    if status >= 500 and status != 502:
        raise Unavailable(f"HTTP {status}")
    if status != 200:
        raise NotReady(f"HTTP {status}")
    copy(answer.iter_bytes(CHUNK_BYTES), to)


def copy(chunks: Iterable[bytes], to: IO[bytes]) -> None:
    """Write a file as it comes. Raises Unavailable for one that has no end, or takes for ever."""
    size, until = 0, time.monotonic() + MAX_SECONDS
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_BYTES or time.monotonic() > until:
            raise Unavailable("a file that is too large or too slow")
        to.write(chunk)
