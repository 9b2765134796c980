"""Trigger words: `[[...]]` in a prompt makes the sandbox engine fail in a chosen way.

Any other prompt succeeds. Words can be combined. Seconds are divided by SANDBOX_SPEED, except
Retry-After.
`xN` limits a fault to its first N requests; without it the fault is permanent.

| Word | Effect |
|---|---|
| `[[ok]]` | nothing: the job succeeds at its usual pace |
| `[[instant]]` | the clip is due at once |
| `[[slow:60]]` | the job takes 60 s |
| `[[hang]]` | stays in_progress at 33 % |
| `[[stall:90]]` | rises to 90 %, stays there for 120 s, then completes |
| `[[fail:CODE]]` | the job fails with that error code, e.g. `moderation_blocked` |
| `[[error:string]]` | the job fails with a bare string as its error |
| `[[status:cancelled]]` | the job ends with that status |
| `[[reject:CODE]]` | create answers 400 with that code |
| `[[http:429,7]]` | create answers that status, here with Retry-After 7 |
| `[[drop:before]]` | the connection closes before the job is stored |
| `[[drop:after]]` | the connection closes after the job was stored, the first time only |
| `[[once]]` | reject, http and drop apply only to the first create with this prompt |
| `[[poll:500x3]]` | retrieve answers that status three times |
| `[[poll:html]]` | retrieve answers 200 with a web page |
| `[[content:404x2]]` | the download answers that status twice |
| `[[content:truncate]]` | the download ends after half of the file |
| `[[content:html]]` | the download is a web page |
| `[[content:expired]]` | the download answers 404, as after the file expired |
| `[[noprogress]]` | progress stays 0 until the end |
| `[[backwards]]` | progress falls once before it rises again |
| `[[minimal]]` | video objects have only id and status |
| `[[webhook:none]]` | no event is sent |
| `[[webhook:dup]]` | the event is sent twice |
| `[[webhook:late:30]]` | the event is sent 30 s late |
| `[[webhook:badsig]]` | the event is signed with another secret |
| `[[webhook:early]]` | the event is sent before the create request is answered |
| `[[size:mismatch]]` | the file has another resolution than the job reports |
| `[[silent]]` | the file has no audio track |
"""

import re
from dataclasses import dataclass

WORD = re.compile(r"\[\[([^\[\]]{1,80})\]\]")
LONGEST_SECONDS = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one route for its first `times` requests, or for all of them when None."""

    kind: str
    times: int | None

    def applies(self, earlier_requests: int) -> bool:
        return self.times is None or earlier_requests < self.times


@dataclass(frozen=True, slots=True)
class HttpFault:
    """An HTTP status for create, with the Retry-After seconds to send beside it."""

    status: int
    retry_after: str | None


class Triggers:
    """The trigger words of one prompt; a word that is unknown or unreadable does nothing."""

    def __init__(self, prompt: str) -> None:
        self._words: dict[str, str] = {}
        for match in WORD.finditer(prompt):
            name, _, value = match[1].strip().partition(":")
            self._words[name.strip().lower()] = value.strip()

    def has(self, name: str) -> bool:
        return name in self._words

    def value(self, name: str) -> str | None:
        """Return what follows the colon of a word, or None when it is absent or empty."""
        return self._words.get(name) or None

    def number(
        self, name: str, *, default: float, highest: float = LONGEST_SECONDS
    ) -> float | None:
        """Return a word's number within 0..highest, its default when bare, None when absent."""
        if name not in self._words:
            return None
        try:
            return min(max(float(self._words[name] or default), 0.0), highest)
        except ValueError:
            return default

    def fault(self, name: str) -> Fault | None:
        """Read `kind` or `kindxN`, as in `[[poll:500x3]]`."""
        match = re.fullmatch(r"([a-z]+|\d{3})(?:x(\d{1,4}))?", self._words.get(name, "").lower())
        return Fault(match[1], int(match[2]) if match[2] else None) if match else None

    def http(self) -> HttpFault | None:
        """Read `status` or `status,retry-after`; only 400..599 are faults."""
        match = re.fullmatch(r"([45]\d\d)(?:\s*,\s*(\d{1,6}))?", self._words.get("http", ""))
        return HttpFault(int(match[1]), match[2]) if match else None

    def ends_as(self) -> str:
        """Return the status the job ends with."""
        if status := self.value("status"):
            return status[:40]
        return "failed" if self.has("fail") or self.has("error") else "completed"

    def webhook(self) -> tuple[str, float]:
        """Return the delivery fault ("" for none) and how many seconds late it is sent."""
        fault, _, late = self._words.get("webhook", "").partition(":")
        try:
            return fault, min(max(float(late or 0), 0.0), LONGEST_SECONDS)
        except ValueError:
            return fault, 0.0


def caption(prompt: str) -> str:
    """Return the prompt without trigger words, on one line."""
    return " ".join(WORD.sub(" ", prompt).split())
