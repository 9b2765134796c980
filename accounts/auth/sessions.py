"""Where somebody is signed in: browsers by a cookie, programs by a token; and ending it."""

from allauth.usersessions.models import UserSession
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.auth import connections, tokens
from accounts.models import Session, User

# What is looked for in a browser's word about itself, in this order: most claim to be others too.
BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows",
           "Mac OS": "macOS", "Linux": "Linux"}  # fmt: skip


class Gone(Exception):
    """There is no such sign-in of this user, or it has ended."""


def called(user_agent: str) -> str:
    """A browser in words people know, such as "Firefox, Windows"; "" for one nobody knows."""
    found = [
        next((name for sign, name in signs.items() if sign in user_agent), "")
        for signs in (BROWSERS, SYSTEMS)
    ]
    return ", ".join(filter(None, found))


def browsers(user: User) -> list[UserSession]:
    """The browsers this user is signed in with, the latest first."""
    rows: list[UserSession] = UserSession.objects.purge_and_list(user)
    return sorted(rows, key=lambda row: row.last_seen_at, reverse=True)


def programs(user: User) -> QuerySet[Session]:
    """The living sign-ins over the API, the latest first."""
    living = Session.objects.filter(user=user, revoked_at=None, expires_at__gt=timezone.now())
    return living.order_by("-created_at")


def end(user: User, kind: str, key: str) -> None:
    """End one sign-in at once. Raises Gone."""
    if kind == "browser" and key.isdecimal() and len(key) < 19:
        browser = UserSession.objects.filter(user=user, pk=key).first()
        if browser:
            browser.end()
            connections.changed(user.pk)
            return
    elif kind == "program":
        program = next((row for row in programs(user) if str(row.pk) == key), None)
        if program:
            tokens.sign_out(program)
            return
    raise Gone(_("This sign-in has ended already."))


def end_others(user: User, session_key: str | None) -> None:
    """End every sign-in of a user, except the browser that asks."""
    for browser in UserSession.objects.filter(user=user).exclude(session_key=session_key):
        browser.end()
    tokens.sign_out_everywhere(user)
