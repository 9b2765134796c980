"""Subscribe a browser to push messages, and unsubscribe it."""

import re
from base64 import urlsafe_b64decode

from allauth.usersessions.models import UserSession
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from config.lib import clock
from videos.models import PushSubscription
from videos.push import keys
from videos.webhooks import http_client

# More browsers than anybody has; the oldest ones make room.
MOST = 20
AUTH_BYTES = 16
KEY = re.compile(r"[A-Za-z0-9_-]{1,90}={0,2}")


class UnusableSubscription(Exception):
    """The browser's subscription cannot be used; nothing was stored."""


def subscribe(user: User, session: UserSession, endpoint: str, p256dh: str, auth: str) -> None:
    """Notify this browser of the user's videos that end from now on. Safe to repeat.

    A browser belongs to whoever subscribed last. Raises UnusableSubscription.
    """
    if len(endpoint) > http_client.URL_MAX or not http_client.is_usable(endpoint):
        raise UnusableSubscription(_("The address of the push service cannot be used."))
    if not _are_keys(p256dh, auth):
        raise UnusableSubscription(_("The keys of the browser cannot be used."))
    fields = {"user": user, "session": session, "p256dh": p256dh, "auth": auth}
    with transaction.atomic():
        PushSubscription.objects.filter(endpoint=endpoint).exclude(user=user).delete()
        created = {**fields, "created_at": clock.now()}
        PushSubscription.objects.update_or_create(fields, created, endpoint=endpoint)
        mine = PushSubscription.objects.filter(user=user).order_by("-created_at", "pk")
        oldest = list(mine.values_list("pk", flat=True)[MOST:])
        PushSubscription.objects.filter(pk__in=oldest).delete()


def unsubscribe(user: User, endpoint: str) -> None:
    """Notify this browser of the user's videos no longer. Safe to repeat."""
    PushSubscription.objects.filter(user=user, endpoint=endpoint).delete()


def _are_keys(p256dh: str, auth: str) -> bool:
    if not (KEY.fullmatch(p256dh) and KEY.fullmatch(auth)):
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(keys.CURVE, _decode(p256dh))
        return len(_decode(auth)) == AUTH_BYTES
    except ValueError:
        return False


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
