"""/mcp: who calls is checked here, and the MCP server of videos.mcp answers.

An ASGI application in front of Django, because a call may wait for a minute and reports progress
meanwhile. Cookies never count, so a request from a foreign page can do nothing; the Host header is
checked as by Django. The SDK is imported when the first request comes that may use it.
"""

import asyncio
import logging
import time
from importlib import import_module
from io import BytesIO
from typing import Any
from uuid import uuid4

from channels.db import database_sync_to_async
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError
from django.utils import timezone

from accounts.auth.callers import Caller, caller_of
from accounts.auth.errors import AddressNotAllowed, BadCredentials
from accounts.models import ApiRequest
from accounts.request_log import buffer
from config.http import access_log, request_id
from config.lib import rate_limits
from config.lib.metrics import counting
from config.lib.rate_limits import Rate
from config.server.refusals import Header, json_refusal, security_headers

log = logging.getLogger(__name__)

PATH = "/mcp"
PATHS = {PATH, f"{PATH}/"}
METADATA = "/.well-known/oauth-protected-resource/mcp"
POST_ONLY = "This is the address of an MCP server: point an MCP client at it. It takes POST."


class Refusal(Exception):
    """An answer without a call: its status, its sentence and its headers."""

    def __init__(self, status: int, detail: str, *headers: Header) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


class MCPEndpoint:
    """ASGI middleware that answers at /mcp and passes everything else on."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] not in PATHS:
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        try:
            await self._answer(exchange, receive)
        finally:
            exchange.log()

    async def _answer(self, exchange: "_Exchange", receive: Any) -> None:
        try:
            caller = await database_sync_to_async(_admit)(exchange.request)
        except Refusal as refusal:
            await exchange.refuse(refusal)
            return
        exchange.caller = caller
        body = await _read_body(receive)
        if body is None:  # the SDK would answer 500
            return
        server = await asyncio.to_thread(import_module, "videos.mcp.server")
        await server.serve(exchange.scope, _after(body, receive), exchange.send, caller)


class _Exchange:
    """One request and its answer, with the headers and the line in the log that all others have."""

    def __init__(self, scope: Any, send: Any) -> None:
        self.scope, self._send = scope, send
        self.request = ASGIRequest(scope, BytesIO())
        sent = self.request.headers.get("X-Request-ID", "")
        self._id = sent if request_id.VALID_ID.fullmatch(sent) else uuid4().hex
        request_id.current.set(self._id)
        self._began, self._status = time.perf_counter(), 0
        self.caller: Caller | None = None
        self._charges = buffer.begin_charges()

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = [*message.get("headers", ()), (b"x-request-id", self._id.encode())]
            message = {**message, "headers": [*headers, *security_headers()]}
        await self._send(message)

    async def refuse(self, refusal: Refusal) -> None:
        headers, body = json_refusal(refusal.detail)
        start = {"type": "http.response.start", "status": refusal.status}
        await self.send({**start, "headers": [*headers, *refusal.headers]})
        await self._send({"type": "http.response.body", "body": body})

    def log(self) -> None:
        if not self._status:  # nobody waited for the answer, or the body was refused
            return
        took = time.perf_counter() - self._began
        counting.request("mcp", str(self.request.method), self._status, took)
        if settings.ACCESS_LOG:
            access_log.write(str(self.request.method), PATH, self._status, took)
        if settings.REQUEST_LOG and self.caller:
            self._log_for_user(self.caller, took)

    def _log_for_user(self, caller: Caller, took: float) -> None:
        buffer.add(
            ApiRequest(
                user_id=caller.user.pk,
                api_key_id=caller.api_key_id,
                method=str(self.request.method),
                path=PATH,
                status=self._status,
                took_ms=round(took * 1000),
                credits=self._charges.credits,
                request_id=self._id,
                created_at=timezone.now(),
            )
        )


async def _read_body(receive: Any) -> bytes | None:
    """Return a body, which the limits of bodies bound; None when it does not arrive."""
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _after(body: bytes, receive: Any) -> Any:
    """Return what gives the body that was read, and then what else comes."""
    first = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Any:
        return first.pop() if first else await receive()

    return receive_again


def _admit(request: ASGIRequest) -> Caller:
    """Return who calls; asks the database. Raises Refusal."""
    try:
        request.get_host()
    except DisallowedHost:
        raise Refusal(421, "This server does not answer to that host name.") from None
    if request.method != "POST":
        raise Refusal(405, POST_ONLY, (b"allow", b"POST"))
    try:
        return caller_of(request.headers, rate_limits.address_of(request))
    except AddressNotAllowed as error:
        raise Refusal(403, str(error)) from None
    except BadCredentials as error:
        raise _unauthenticated(request, error) from None
    except DatabaseError:
        log.warning("credentials could not be checked", exc_info=True)
        raise Refusal(503, "Service unavailable", (b"retry-after", b"30")) from None


def _unauthenticated(request: ASGIRequest, error: BadCredentials) -> Refusal:
    """Return the answer that lets a client find out how to sign in, or 429 after too many."""
    key, rate = f"anonymous:{rate_limits.network_of(request)}", Rate(*settings.RATE_ANONYMOUS)
    try:
        rate_limits.check(key, rate)
    except rate_limits.TooManyAttempts as refusal:
        wait = str(refusal.wait).encode()
        return Refusal(429, "Too many requests.", (b"retry-after", wait))
    challenge = f'Bearer resource_metadata="{settings.BASE_URL}{METADATA}"'
    if "Authorization" in request.headers or "X-API-Key" in request.headers:
        challenge = challenge.replace("Bearer ", 'Bearer error="invalid_token", ', 1)
    return Refusal(401, str(error), (b"www-authenticate", challenge.encode()))
