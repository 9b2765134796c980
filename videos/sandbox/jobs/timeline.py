"""The stage of a job as a pure function of its trigger words, its pace and its age.

queued --10 %--> in_progress 1..99 --due, and the MP4 exists--> completed
                                   `--due, and a word asks for it--> failed, or another

While the MP4 is rendered, a job is no further than its encoded frames.
"""

import math
from dataclasses import dataclass

from videos.sandbox.triggers import Triggers

DEFAULT_SECONDS = 20.0
STALL_SECONDS = 120.0
QUEUED_SHARE = 0.1
HANG_PROGRESS = 33
SLOWEST_POLL_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A job's status, its progress in 0..100, and whether its duration is over."""

    status: str
    progress: int
    due: bool = False


def duration_seconds(triggers: Triggers, pace: float) -> float:
    """Return how long a job takes, in seconds; infinite for `[[hang]]`."""
    if triggers.has("hang"):
        return math.inf
    if triggers.has("instant"):
        return 0.0
    if (stall := triggers.number("stall", default=90, highest=99)) is not None:
        return (DEFAULT_SECONDS * stall / 100 + STALL_SECONDS) * pace
    slow = triggers.number("slow", default=60)
    return (DEFAULT_SECONDS if slow is None else slow) * pace


def stage(triggers: Triggers, pace: float, age_seconds: float) -> Stage:
    """Return a job's stage by its age alone; it is completed only once the MP4 exists, too."""
    duration = duration_seconds(triggers, pace)
    rise = DEFAULT_SECONDS * pace if _rises_at_usual_pace(triggers) else duration
    if age_seconds <= rise * QUEUED_SHARE:
        return Stage("queued", 0)
    if age_seconds >= duration:
        return Stage(triggers.ends_as(), _visible_progress(triggers, 99), due=True)
    share = age_seconds / rise if rise else 1.0
    return Stage("in_progress", _visible_progress(triggers, _progress(triggers, share)))


def while_rendering(stage: Stage, encoded_percent: int) -> Stage:
    """Return the stage of a job whose MP4 is not there yet: no further than its frames are."""
    if stage.status == "queued" or not encoded_percent:
        return Stage("queued", 0)
    return Stage("in_progress", min(stage.progress, encoded_percent, 99))


def poll_pause(pace: float, age_seconds: float) -> float:
    """Return in how many seconds to ask again: the longer a job takes, the later."""
    usual = min(max(pace, 0.05), 2.0)
    return max(usual, min(age_seconds / DEFAULT_SECONDS, SLOWEST_POLL_SECONDS))


def _rises_at_usual_pace(triggers: Triggers) -> bool:
    return triggers.has("hang") or triggers.has("stall")


def _progress(triggers: Triggers, share: float) -> int:
    if triggers.has("backwards"):
        return _falling_progress(share)
    ceiling = 99.0
    if triggers.has("hang"):
        ceiling = HANG_PROGRESS
    elif (stall := triggers.number("stall", default=90, highest=99)) is not None:
        ceiling = max(stall, 1)
    return int(min(max(100 * share, 1), ceiling))


def _falling_progress(share: float) -> int:
    """Return progress that rises to 60, falls to 20 and rises to 99."""
    if share < 0.4:
        return 1 + int(59 * share / 0.4)
    if share < 0.6:
        return 60 - int(40 * (share - 0.4) / 0.2)
    return 20 + int(79 * (share - 0.6) / 0.4)


def _visible_progress(triggers: Triggers, progress: int) -> int:
    return 0 if triggers.has("noprogress") else progress
