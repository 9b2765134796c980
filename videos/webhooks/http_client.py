"""The one client for addresses that users name: it never reaches into a private network.

The name is resolved once, every answer is judged, and the connection goes to an address that was
judged. Redirects are not followed.
"""

import http.client
import socket
import ssl
from dataclasses import dataclass
from ipaddress import ip_network
from threading import Timer
from urllib.parse import quote, urlsplit

import ssrfguard
from django.conf import settings

CONNECT_SECONDS = 5
READ_BYTES = 64 * 1024
URL_MAX = 2048


class Blocked(Exception):
    """The address is not one we post to; nothing was sent."""


class Unreachable(Exception):
    """No whole answer came."""


@dataclass(frozen=True)
class Answer:
    """What the other side said; `retry_after` in seconds when it asked for time."""

    code: int
    retry_after: float | None = None


def check(url: str) -> None:
    """Refuse an address that could never be posted to, without asking any name server.

    Raises Blocked.
    """
    _target(url, _policy())


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """POST once, within WEBHOOK_TIMEOUT seconds. Raises Blocked or Unreachable."""
    policy = _policy()
    target = _target(url, policy)
    try:
        addresses = ssrfguard.resolve(target, policy=policy)
        raw = ssrfguard.connect(addresses, policy=policy, timeout=CONNECT_SECONDS)
    except ssrfguard.SSRFGuardError as error:
        raise Blocked("The address is not reachable from here.") from error
    except OSError as error:
        raise Unreachable(_said(error)) from error
    # A time-out of the socket starts anew with every byte; this one does not.
    spare = raw.dup()
    watch = Timer(settings.WEBHOOK_TIMEOUT, _hang_up, [spare])
    watch.daemon = True
    watch.start()
    try:
        return _exchange(raw, target, url, body, headers)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(_said(error)) from error
    finally:
        watch.cancel()
        spare.close()
        raw.close()


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
    raw.settimeout(settings.WEBHOOK_TIMEOUT)
    line = http.client.HTTPConnection(target.host, target.port)
    line.sock = raw
    if target.scheme == "https":
        line.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=target.host)
    try:
        line.request("POST", _path(url), body, {"Host": _host(target), **headers})
        answer = line.getresponse()
        answer.read(READ_BYTES)
        return Answer(answer.status, _seconds(answer.headers.get("Retry-After", "")))
    finally:
        line.close()


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


def _hang_up(raw: socket.socket) -> None:
    try:
        raw.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it has ended by itself


def _said(error: Exception) -> str:
    """A short word for the log; never what the other side wrote."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, socket.gaierror):
        return "the name is unknown"
    if isinstance(error, ssl.SSLError):
        return "no secure connection"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return "no answer"
