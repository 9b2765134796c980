"""Close an open connection when the credential that opened it expires or is revoked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from channels.db import database_sync_to_async
from django.utils import timezone

from accounts.auth.connections import Credential

log = logging.getLogger(__name__)

# Revocations are broadcast at once; this finds those whose message was lost.
RECHECK_SECONDS = 15.0

Close = Callable[[], Awaitable[None]]


async def watch(credential: Credential, close: Close) -> None:
    """Check the credential when it expires and every RECHECK_SECONDS, until it is invalid."""
    while True:
        expires_at, now = credential.expires_at, timezone.now()
        left = max((expires_at - now).total_seconds(), 0) if expires_at else RECHECK_SECONDS
        await asyncio.sleep(min(left, RECHECK_SECONDS))
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
