"""The sign-ins of a user, by cookie in browsers and by token in programs, and how to end them."""

from allauth.usersessions.models import UserSession
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.auth import connections, tokens
from accounts.models import Session, User

# Looked for in the User-Agent header in this order, because most browsers name others too.
BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows",
           "Mac OS": "macOS", "Linux": "Linux"}  # fmt: skip


class NoSuchSession(Exception):
    """The user has no such sign-in, or it has ended."""


def describe_browser(user_agent: str) -> str:
    """Name a browser, such as "Firefox, Windows"; empty for an unknown one."""
    found = [
        next((name for sign, name in signs.items() if sign in user_agent), "")
        for signs in (BROWSERS, SYSTEMS)
    ]
    return ", ".join(filter(None, found))


def list_browsers(user: User) -> list[UserSession]:
    """Return the browsers in which this user is signed in, the latest first."""
    rows: list[UserSession] = UserSession.objects.purge_and_list(user)
    return sorted(rows, key=lambda row: row.last_seen_at, reverse=True)


def list_programs(user: User) -> QuerySet[Session]:
    """Return the active sign-ins over the API, the latest first."""
    active = Session.objects.filter(user=user, revoked_at=None, expires_at__gt=timezone.now())
    return active.order_by("-created_at")


def end_session(user: User, kind: str, key: str) -> None:
    """End one sign-in at once. Raises Gone."""
    if kind == "browser" and key.isdecimal() and len(key) < 19:
        browser = UserSession.objects.filter(user=user, pk=key).first()
        if browser:
            browser.end()
            connections.recheck(user.pk)
            return
    elif kind == "program":
        program = next((row for row in list_programs(user) if str(row.pk) == key), None)
        if program:
            tokens.sign_out(program)
            return
    raise NoSuchSession(_("This session has already ended."))


def end_other_sessions(user: User, session_key: str | None) -> None:
    """End every sign-in of a user except that of the browser with this session."""
    for browser in UserSession.objects.filter(user=user).exclude(session_key=session_key):
        browser.end()
    tokens.sign_out_everywhere(user)
