"""Staff see pages as a user sees them, for a while and without changing anything.

Who is viewed stands in the session of the staff, which stays theirs. Begin and end are lines of the
audit log.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.auth.session_keys import VIEWING
from accounts.models import User
from config.lib.admin import staff
from config.lib.admin.model_admin import log_action

PERMISSION = "accounts.open_as_user"
LONGEST = timedelta(minutes=30)
# Says to the pages that the session has to be asked.
COOKIE = "viewing"

Actor = AbstractBaseUser | AnonymousUser


def may_view(actor: Actor, user: User) -> bool:
    """Return whether staff may see pages as this user: never as staff, nor as a closed account."""
    is_colleague = user.is_staff or user.is_superuser
    return user.is_active and not is_colleague and staff.may(actor, PERMISSION)


def begin(session: SessionBase, actor: Actor, user: User, reason: str) -> None:
    """Let staff see pages as this user from now on; what they viewed before ends.

    Raises PermissionDenied, then nothing is changed.
    """
    if not may_view(actor, user):
        raise PermissionDenied
    end(session, actor)
    until = timezone.now() + LONGEST
    session[VIEWING] = {"user": str(user.pk), "until": until.isoformat()}
    log_action(actor, user, f"Viewing as the user until {until:%H:%M} UTC", reason)


def viewed(session: SessionBase, actor: Actor) -> User | None:
    """Return whom staff view at the moment; None for nobody, also when it has just ended."""
    found = _stored(session)
    if found is None:
        return None
    user, until = found
    if timezone.now() < until and may_view(actor, user):
        return user
    end(session, actor)
    return None


def end(session: SessionBase, actor: Actor) -> User | None:
    """Stop viewing; return who was viewed. Safe to repeat."""
    found = _stored(session)
    session.pop(VIEWING, None)
    if found is None:
        return None
    user, until = found
    log_action(actor, user, "Viewing ended", "" if timezone.now() < until else "the time was over")
    return user


def _stored(session: SessionBase) -> tuple[User, datetime] | None:
    stored: dict[str, str] | None = session.get(VIEWING)
    if stored is None:
        return None
    user = User.objects.filter(pk=UUID(stored["user"])).first()
    return (user, datetime.fromisoformat(stored["until"])) if user else None
