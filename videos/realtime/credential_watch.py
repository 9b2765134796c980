"""Close an open connection when the credential that opened it expires or is revoked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from channels.db import database_sync_to_async
from django.conf import settings
from django.utils import timezone

from accounts.auth.connections import Credential

log = logging.getLogger(__name__)

Close = Callable[[], Awaitable[None]]


async def watch(credential: Credential, close: Close) -> None:
    """Check when the credential expires and every SOCKET_RECHECK_SECONDS, until it is invalid."""
    while True:
        expires_at, now = credential.expires_at, timezone.now()
        pause = settings.SOCKET_RECHECK_SECONDS
        left = max((expires_at - now).total_seconds(), 0) if expires_at else pause
        await asyncio.sleep(min(left, pause))
        try:
            if await close_if_invalid(credential, close):
                return
        except Exception:  # a database outage must not close every connection
            log.warning("the credential of a connection could not be checked", exc_info=True)
            await asyncio.sleep(1)


async def close_if_invalid(credential: Credential, close: Close) -> bool:
    """Close the connection if its credential is no longer valid; return whether it was closed."""
    if await database_sync_to_async(credential.is_valid)():
        return False
    await close()
    return True
