"""The life of a job as a pure function of its trigger words, its pace and its age.

queued --10 %--> in_progress 1..99 --due, and the MP4 exists--> completed
                                   `--due, and a word says so--> failed (or that word's status)
"""

import math
from dataclasses import dataclass

from videos.sandbox.triggers import Triggers

USUAL_SECONDS = 20.0
STALL_SECONDS = 120.0
QUEUED_SHARE = 0.1
HANG_PROGRESS = 33


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a job is: its status, progress 0..100, and whether its clock has run out."""

    status: str
    progress: int
    due: bool = False


def takes_seconds(triggers: Triggers, pace: float) -> float:
    """Return a job's length in seconds, infinite for `[[hang]]`."""
    if triggers.has("hang"):
        return math.inf
    if triggers.has("instant"):
        return 0.0
    if (stall := triggers.number("stall", default=90, highest=99)) is not None:
        return (USUAL_SECONDS * stall / 100 + STALL_SECONDS) * pace
    slow = triggers.number("slow", default=60)
    return (USUAL_SECONDS if slow is None else slow) * pace


def stage(triggers: Triggers, pace: float, age_seconds: float) -> Stage:
    """Return a job's stage by its clock alone; it is completed only once the MP4 exists, too."""
    takes = takes_seconds(triggers, pace)
    climb = USUAL_SECONDS * pace if _climbs_at_usual_pace(triggers) else takes
    if age_seconds <= climb * QUEUED_SHARE:
        return Stage("queued", 0)
    if age_seconds >= takes:
        return Stage(triggers.ends_as(), _shown(triggers, 99), due=True)
    share = age_seconds / climb if climb else 1.0
    return Stage("in_progress", _shown(triggers, _progress(triggers, share)))


def _climbs_at_usual_pace(triggers: Triggers) -> bool:
    return triggers.has("hang") or triggers.has("stall")


def _progress(triggers: Triggers, share: float) -> int:
    if triggers.has("backwards"):
        return _backwards(share)
    ceiling = 99.0
    if triggers.has("hang"):
        ceiling = HANG_PROGRESS
    elif (stall := triggers.number("stall", default=90, highest=99)) is not None:
        ceiling = max(stall, 1)
    return int(min(max(100 * share, 1), ceiling))


def _backwards(share: float) -> int:
    """Climb to 60, fall back to 20, climb to 99."""
    if share < 0.4:
        return 1 + int(59 * share / 0.4)
    if share < 0.6:
        return 60 - int(40 * (share - 0.4) / 0.2)
    return 20 + int(79 * (share - 0.6) / 0.4)


def _shown(triggers: Triggers, progress: int) -> int:
    return 0 if triggers.has("noprogress") else progress
