"""The HTTP client for URLs that users name: it never connects to a private network.

The host name is resolved once, every address is checked, and the connection goes to a checked
address. Redirects are not followed.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from threading import Timer
from urllib.parse import quote, urlsplit

import ssrfguard
from django.conf import settings

READ_BYTES = 64 * 1024
URL_MAX = 2048
HOST_MAX = 255


class Blocked(Exception):
    """The URL is not allowed; nothing was sent."""


class Unreachable(Exception):
    """No complete answer came."""


@dataclass(frozen=True)
class Answer:
    """The HTTP status, and `retry_after` in seconds if the server asked for it."""

    code: int
    retry_after: float | None = None


def check(url: str) -> None:
    """Raise Blocked for a URL that is never allowed, without resolving its host name."""
    _target(url, _policy())


def is_usable(url: str) -> bool:
    """Whether a user may name this URL; its host name is resolved only when it is called."""
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        return False
    try:
        check(url)
    except Blocked:
        return False
    return True


def host_of(url: str) -> str:
    """The host of a URL in lower case; "" for a URL that has none."""
    try:
        return (urlsplit(url).hostname or "")[:HOST_MAX]
    except ValueError:
        return ""


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """POST once, within WEBHOOK_TIMEOUT seconds. Raises Blocked or Unreachable.

    Only the name servers may take longer: their answer cannot be cut off.
    """
    until = time.monotonic() + settings.WEBHOOK_TIMEOUT
    policy = _policy()
    target = _target(url, policy)
    try:
        raw = _connect(ssrfguard.resolve(target, policy=policy), policy, until)
    except ssrfguard.SSRFGuardError as error:
        raise Blocked("The address is not reachable from here.") from error
    except OSError as error:
        raise Unreachable(_reason(error)) from error
    left = max(until - time.monotonic(), 0)
    # The socket's own time-out starts anew with every byte; this timer limits the whole call.
    spare = raw.dup()
    watch = Timer(left, _shut_down, [spare])
    watch.daemon = True
    watch.start()
    try:
        raw.settimeout(left)
        return _exchange(raw, target, url, body, headers)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(_reason(error)) from error
    finally:
        watch.cancel()
        spare.close()
        raw.close()


def _connect(
    addresses: Sequence[ssrfguard.Address], policy: ssrfguard.Policy, until: float
) -> socket.socket:
    """Connect to the first of the addresses that answers. Raises OSError."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    attempts = min(len(addresses), policy.max_connection_attempts)
    seconds = min(settings.WEBHOOK_CONNECT_SECONDS, left / attempts)
    return ssrfguard.connect(addresses, policy=policy, timeout=seconds)


def _policy() -> ssrfguard.Policy:
    return ssrfguard.Policy(
        allowed_schemes=frozenset(settings.WEBHOOK_SCHEMES),
        allowed_ports=frozenset(settings.WEBHOOK_PORTS),
        allowed_networks=tuple(map(ip_network, settings.WEBHOOK_ALLOWED_NETWORKS)),
        max_url_length=URL_MAX,
    )


def _target(url: str, policy: ssrfguard.Policy) -> ssrfguard.Target:
    try:
        return policy.check_url(url)
    except ssrfguard.SSRFGuardError as error:
        raise Blocked("The address is not one that webhooks may go to.") from error
    except (ValueError, OSError) as error:
        raise Blocked("The address cannot be read.") from error


def _exchange(
    raw: socket.socket, target: ssrfguard.Target, url: str, body: bytes, headers: dict[str, str]
) -> Answer:
    http_connection = http.client.HTTPConnection(target.host, target.port)
    http_connection.sock = raw
    if target.scheme == "https":
        http_connection.sock = ssl.create_default_context().wrap_socket(
            raw, server_hostname=target.host
        )
    try:
        http_connection.request("POST", _path(url), body, {"Host": _host(target), **headers})
        answer = http_connection.getresponse()
        answer.read(READ_BYTES)
        return Answer(answer.status, _seconds(answer.headers.get("Retry-After", "")))
    finally:
        http_connection.close()


def _path(url: str) -> str:
    parts = urlsplit(url)
    whole = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return quote(whole, safe="%/?:@!$&'()*+,;=-._~")


def _host(target: ssrfguard.Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = {"http": 80, "https": 443}[target.scheme]
    return host if target.port == usual else f"{host}:{target.port}"


def _seconds(value: str) -> float | None:
    return float(value) if value.isascii() and value.isdigit() and len(value) < 8 else None


def _shut_down(raw: socket.socket) -> None:
    try:
        raw.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # already closed


def _reason(error: Exception) -> str:
    """A short reason for the delivery log, without anything the server wrote."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, socket.gaierror):
        return "the name is unknown"
    if isinstance(error, ssl.SSLError):
        return "no secure connection"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return "no answer"
