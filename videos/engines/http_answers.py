"""One answer to an HTTP request, whichever client has sent it."""

from collections.abc import Mapping
from dataclasses import dataclass

MAX_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """An answer; `headers` finds its names in lower case, at least."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The beginning of the body, for messages."""
        return self.body[:2000].decode(errors="replace")
