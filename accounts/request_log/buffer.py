"""Calls of the API that are not written to the log yet.

A call only appends to this buffer, so that it needs no statement for the log. Once a second the
writer takes what is there; a process that is killed loses what it has not taken.
"""

from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID

from accounts.models import ApiKey, ApiRequest, Session

# While the database does not answer, the oldest calls are dropped.
CAPACITY = 10_000
PATH_LENGTH = ApiRequest._meta.get_field("path").max_length or 0
METHOD_LENGTH = ApiRequest._meta.get_field("method").max_length or 0

_waiting: deque[ApiRequest] = deque(maxlen=CAPACITY)


@dataclass
class Charges:
    """The credits that the present call has spent by now."""

    credits: int = field(default=0)


_charges: ContextVar[Charges | None] = ContextVar("charges", default=None)


def begin_charges() -> Charges:
    """Return what counts the credits that this thread's call spends from now on."""
    charges = Charges()
    _charges.set(charges)
    return charges


def count_charge(credits: int) -> None:
    """Count credits that the present call spent; call it when their transaction has committed."""
    charges = _charges.get()
    if charges is not None:
        charges.credits += credits


def caller_of(found: Session | ApiKey) -> tuple[UUID, UUID | None]:
    """Return the user and the API key of a call that was made with a token or a key."""
    return found.user_id, found.pk if isinstance(found, ApiKey) else None


def add(request: ApiRequest) -> None:
    """Add a call to what will be written."""
    request.method = request.method[:METHOD_LENGTH]
    request.path = _printable(request.path)[:PATH_LENGTH]
    _waiting.append(request)


def take_all() -> list[ApiRequest]:
    """Take everything that waits, oldest first."""
    found = []
    while _waiting:
        found.append(_waiting.popleft())
    return found


def put_back(requests: list[ApiRequest]) -> None:
    """Keep calls that could not be written for the next time; the oldest may be dropped."""
    room = CAPACITY - len(_waiting)
    _waiting.extendleft(reversed(requests[-room:] if room else []))


def _printable(text: str) -> str:
    """Return a text without characters that a database refuses or a page does not show."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
