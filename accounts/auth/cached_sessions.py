"""Page sessions as rows with copies in Redis (SESSION_STORE=redis): rows decide, copies are read.

A sign-out that Redis does not confirm would leave a copy behind that counts again later. Then every
page session of that user ends, by the version in the user's row, which each request reads anyway.
The session of staff who view pages as a user is never copied, so that the viewing ends at once.
"""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import auth
from django.contrib.sessions.backends import db
from django.db.models import F
from django.utils import timezone

from accounts.auth import session_cache
from accounts.auth.session_keys import VIEWING
from accounts.models import User


class SessionStore(db.SessionStore):
    """Reads copies; whatever it writes or deletes, it blocks the copy first."""

    def load(self) -> dict[str, Any]:
        if self.session_key and (copied := session_cache.read(self.session_key)) is not None:
            return dict(self.decode(copied))
        read_at = session_cache.now()
        rows = self.model.objects.filter(session_key=self.session_key)
        row = rows.filter(expire_date__gt=timezone.now()).first() if self.session_key else None
        if row is None:
            return dict(super().load())  # which forgets the key too
        data = dict(self.decode(row.session_data))
        ends_later = row.expire_date.timestamp() > read_at + session_cache.KEPT_SECONDS
        if ends_later and VIEWING not in data:
            session_cache.fill(row.session_key, row.session_data, read_at)
        return data

    def save(self, must_create: bool = False) -> None:
        if self.session_key and not must_create:
            session_cache.block(self.session_key)
        super().save(must_create)

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key and not session_cache.block(key):
            self._end_every_session_of_owner(key)
        super().delete(session_key)

    def _end_every_session_of_owner(self, key: str) -> None:
        row = self.model.objects.filter(session_key=key).first()
        owner = self.decode(row.session_data).get(auth.SESSION_KEY) if row else None
        if owner:
            rows = User.objects.filter(pk=owner)
            rows.update(session_version=F("session_version") + 1)

    # Django's own would go to the rows without blocking the copies.
    async def aload(self) -> dict[str, Any]:
        return await sync_to_async(self.load)()

    async def asave(self, must_create: bool = False) -> None:
        await sync_to_async(self.save)(must_create)

    async def adelete(self, session_key: str | None = None) -> None:
        await sync_to_async(self.delete)(session_key)
