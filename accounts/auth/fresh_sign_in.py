"""Acts that need a sign-in of the last minutes, such as the export of everything about a user."""

from datetime import timedelta

from allauth.account import app_settings
from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Session


class SignInAgain(Exception):
    """The sign-in is too old for this act."""

    def __init__(self) -> None:
        super().__init__("Sign in again to do this.")


def check(request: HttpRequest, session: Session | None) -> None:
    """Return when the sign-in is fresh: of a token's session, else of the page's cookie.

    Raises SignInAgain.
    """
    if not (_is_recent(session) if session else _was_confirmed(request)):
        raise SignInAgain


def _is_recent(session: Session) -> bool:
    """Refreshing a token makes its sign-in no younger."""
    age: timedelta = timezone.now() - session.created_at
    return age < timedelta(seconds=app_settings.REAUTHENTICATION_TIMEOUT)


def _was_confirmed(request: HttpRequest) -> bool:
    try:
        return bool(_confirmed(request))
    except ReauthenticationRequired:
        return False


@reauthentication_required  # type: ignore[untyped-decorator]
def _confirmed(_request: HttpRequest) -> bool:
    return True
