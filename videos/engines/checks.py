"""Ask the configured engines whether they can be used, and say in a sentence what is wrong."""

import re

from django.conf import settings

from videos.engines import base
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    EngineError,
    InvalidRequest,
    NotFound,
    OutOfCredit,
    RateLimited,
    Unavailable,
)

# What to do about an error, by its kind; the first that fits.
ADVICE: tuple[tuple[type[EngineError], str], ...] = (
    (AuthFailed, "the key is not accepted: set the right one"),
    (OutOfCredit, "the account there is empty: add credit"),
    (RateLimited, "it answers that it is busy: ask again later"),
    (NotFound, "the address is wrong: it has no such API there"),
    (InvalidRequest, "a configured model is not there: correct the names"),
    (BadAnswer, "the address is not that of an engine"),
    (Unavailable, "it does not answer: check the address, and that it runs"),
)


def without_password(text: str) -> str:
    """The text with the user and password of each address in it replaced by "***"."""
    return re.sub(r"://[^/@\s]+@", "://***@", text)


def find_problem(name: str) -> str:
    """Return what is wrong with an engine and what to do, in words; "" when it can be used.

    Asks the engine over the network, for up to half a minute, and never orders anything.
    """
    try:
        base.get(name).check()
    except EngineError as error:
        advice = next((text for kind, text in ADVICE if isinstance(error, kind)), "it refused")
        address = without_password(settings.ENGINES[name]["base_url"])
        return f"engine {name} at {address}: {advice} ({error.detail})"
    except (ImportError, ValueError) as error:
        return f"engine {name}: {error}"
    return ""
