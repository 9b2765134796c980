"""How long what is left of ended sign-ins is kept."""

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session as PageSession
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import Session
from config.lib import batches


def delete_old() -> int:
    """Delete page sessions that have expired, and sign-ins by API SIGN_IN_DAYS after their end.

    Returns how many rows went.
    """
    now = timezone.now()
    before = now - settings.SIGN_IN_KEPT
    ended = Q(expires_at__lt=before) | Q(revoked_at__lt=before)
    alive = PageSession.objects.filter(session_key=OuterRef("session_key"))
    return (
        batches.delete(PageSession.objects.filter(expire_date__lt=now))
        # A browser is noted a moment after its session is stored.
        + batches.delete(UserSession.objects.filter(~Exists(alive), created_at__lt=before))
        + batches.delete(Session.objects.filter(ended))
    )
